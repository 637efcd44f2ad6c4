"""The loss of two views that are to agree, compared with SciPy and NumPy."""

import keras
import numpy as np
import pytest
from keras import ops
from study.consistency import Consistency
from study.consistency import jensen_shannon

from keras_mra.classifiers.networks.build_network import build_network

RNG = np.random.default_rng(0)


def test_the_divergence_is_that_of_scipy():
    distance = pytest.importorskip("scipy.spatial.distance")
    p, q = RNG.dirichlet(np.ones(5), size=(2, 20)).astype("float32")
    # SciPy returns the square root.
    expected = distance.jensenshannon(p, q, axis=1) ** 2
    found = ops.convert_to_numpy(jensen_shannon(p, q))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_divergence_is_finite_between_certain_predictions():
    p, q = np.eye(2, dtype="float32")[[0, 0]], np.eye(2, dtype="float32")[[0, 1]]
    found = ops.convert_to_numpy(jensen_shannon(p, q))
    np.testing.assert_allclose(found, [0, np.log(2)], atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_the_loss_is_that_of_both_views_and_their_divergence(weight):
    network = build_network("small_cnn", (8, 8, 3), 4, (0, 255), 0)
    model = Consistency(network, weight)
    model.compile("sgd")
    views = RNG.uniform(0, 255, (6, 8, 8, 6)).astype("float32")
    labels = np.eye(4, dtype="float32")[RNG.integers(0, 4, 6)]
    p, q = (network.predict(x, verbose=0) for x in np.split(views, 2, axis=-1))
    cross_entropy = -np.log([(p * labels).sum(1), (q * labels).sum(1)]).mean()
    mean = (p + q) / 2
    divergence = sum((x * np.log(x / mean)).sum(1) for x in (p, q)) / 2
    expected = cross_entropy + weight * divergence.mean()
    found = model.evaluate(views, labels, verbose=0)
    assert found == pytest.approx(expected, rel=1e-5)
    assert divergence.mean() > 1e-3


def test_it_trains_the_network():
    network = build_network("small_cnn", (8, 8, 3), 2, (0, 255), 0)
    model = Consistency(network, 1.0)
    model.compile(keras.optimizers.Adam(1e-2))
    labels = np.arange(16) % 2
    images = np.where(labels[:, None, None, None], 200.0, 50.0)
    views = np.broadcast_to(images, (16, 8, 8, 6)) + RNG.normal(0, 9, (16, 8, 8, 6))
    views = views.astype("float32")
    history = model.fit(views, np.eye(2)[labels], epochs=15, verbose=0)
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    predicted = network.predict(views[..., :3], verbose=0).argmax(1)
    np.testing.assert_array_equal(predicted, labels)
