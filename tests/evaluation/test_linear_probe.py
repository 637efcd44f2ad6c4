"""The linear probe and its classifier, against scikit-learn on fixed features."""

import sys

import numpy as np
import pytest
import threadpoolctl
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from keras_mra import evaluation
from keras_mra.evaluation.fit_probe import fit_probe

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


def test_linear_probe_is_logistic_regression_on_standardised_features(train, test):
    result = evaluation.linear_probe(None, train, test, C=0.1)
    scaler = StandardScaler().fit(train[0])
    reference = LogisticRegression(C=0.1, max_iter=1000)
    reference.fit(scaler.transform(train[0]), train[1])
    assert result.accuracy == reference.score(scaler.transform(test[0]), test[1])
    assert result.train_accuracy == reference.score(
        scaler.transform(train[0]), train[1]
    )
    assert result.accuracy != result.train_accuracy
    assert (result.solver, result.iterations) == ("lbfgs", reference.n_iter_.max())
    assert (result.train_images, result.test_images, result.dim) == (120, 90, 6)


def test_narrow_probes_keep_blas_to_one_thread(monkeypatch):
    threads = []

    def fit(self, features, labels):
        info = threadpoolctl.threadpool_info()
        threads.append({i["num_threads"] for i in info if i["user_api"] == "blas"})
        return whole(self, features[:4], labels[:4])

    whole = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", fit)
    for classes in (100, 101):
        labels = np.arange(2 * classes) % classes
        with threadpoolctl.threadpool_limits(2, user_api="blas"):
            fit_probe(np.eye(2 * classes, 3), labels, C=1.0)
    assert threads == [{1}, {2}]


def test_scikit_learn_is_asked_for(monkeypatch, train, test):
    neighbours = evaluation.knn(None, train, test)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for protocol in (evaluation.linear_probe, evaluation.low_shot):
        with pytest.raises(ImportError, match=r"pip install 'keras-mra\[evaluation\]'"):
            protocol(None, train, test)
    assert evaluation.knn(None, train, test) == neighbours
