"""The linear classifier by gradient descent on the backend."""

import pytest
from helpers.blobs import blobs
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from keras_mra import evaluation
from keras_mra.evaluation import fit_probe as fit_probe_module
from keras_mra.evaluation.fit_probe import fit_probe

# Traced by TensorFlow, because hundreds of eager steps take longer.
pytestmark = [pytest.mark.usefixtures("quick_compilation"), pytest.mark.graph]


def test_sgd_finds_the_optimum_of_scikit_learn(rng):
    features, labels = blobs(rng, 1400)
    fitted = fit_probe(features, labels, C=1e-4, max_iterations=60, solver="sgd")
    scaler = StandardScaler().fit(features)
    reference = LogisticRegression(C=1e-4).fit(scaler.transform(features), labels)
    wanted = reference.predict(scaler.transform(features))
    assert (fitted.predict(features) == wanted).mean() > 0.985
    assert fitted.iterations == 60


def test_sgd_fits_the_sets_that_are_too_large(train, test, monkeypatch):
    exact = evaluation.linear_probe(None, train, test, seed=1)
    assert exact.solver == "lbfgs"
    monkeypatch.setattr(fit_probe_module, "LBFGS_LIMIT", 120 * 6 - 1)
    result = evaluation.linear_probe(None, train, test, seed=1)
    assert (result.solver, result.iterations) == ("sgd", 30)
    assert result.accuracy == pytest.approx(exact.accuracy, abs=0.05)
    short = dict(solver="sgd", max_iterations=3, seed=1)
    first, second = (
        evaluation.linear_probe(None, train, test, **short) for _ in range(2)
    )
    assert first == second and first.iterations == 3
