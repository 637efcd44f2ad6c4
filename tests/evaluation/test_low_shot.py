"""Probes on a few labels, against scikit-learn on the same draws."""

import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from keras_mra import evaluation

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


def test_low_shot_probes_nested_balanced_draws(train, test, monkeypatch):
    fitted = []
    low_shot = sys.modules["keras_mra.evaluation.low_shot"]
    original = low_shot.fit_probe

    def recorded(features, labels, *args, **kwargs):
        fitted.append((features, labels))
        return original(features, labels, *args, **kwargs)

    monkeypatch.setattr(low_shot, "fit_probe", recorded)
    result = evaluation.low_shot(
        None, train, test, labels_per_class=(3, 10), draws=2, C=0.5
    )
    found = {3: [], 10: []}
    for features, labels in fitted:
        classes, counts = np.unique(labels, return_counts=True)
        assert classes.tolist() == [2, 5, 7] and len(set(counts)) == 1
        scaler = StandardScaler().fit(features)
        reference = LogisticRegression(C=0.5, max_iter=1000)
        reference.fit(scaler.transform(features), labels)
        found[counts[0]].append(reference.score(scaler.transform(test[0]), test[1]))
    for n, accuracies in found.items():
        assert list(result.draws[n]) == accuracies and len(accuracies) == 2
        np.testing.assert_allclose(result.accuracy[n], np.mean(accuracies))
        np.testing.assert_allclose(result.std[n], np.std(accuracies, ddof=1))
    few, many, others, _ = (set(map(tuple, features)) for features, _ in fitted)
    assert few < many and few != others
    assert evaluation.low_shot(None, train, test, 3, draws=1).std == {3: 0.0}


def test_draws_follow_the_seed(train, test):
    def run(seed):
        return evaluation.low_shot(None, train, test, 4, seed=seed)

    assert run(0) == run(0)
    assert run(0).accuracy != run(1).accuracy
