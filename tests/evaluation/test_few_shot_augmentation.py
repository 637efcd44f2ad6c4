"""Few-shot episodes whose labelled images are augmented."""

import sys

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize
from sklearn.neighbors import NearestCentroid

import keras_mra
from keras_mra import evaluation


def test_few_shot_with_augmented_support(rng, monkeypatch):
    """Against centroids over all images and copies, whose features are separate."""

    class Turn(keras.layers.Layer):
        """Adds 1 in the first call, 2 in the second, ...: no copy is like another."""

        def __init__(self):
            super().__init__()
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, images):
            if images.shape[0] > 1:  # not to be built
                self.calls.assign(self.calls + 1)
            return images + self.calls

    few_shot = sys.modules["keras_mra.evaluation.few_shot"]
    # The layer counts its calls, which `compiled` keeps of random state alone.
    monkeypatch.setattr(few_shot.backend, "compiled", lambda model, function: function)
    images = rng.normal(size=(40, 2, 2, 1)).astype("float32")
    labels = np.repeat([1, 4, 5, 8], 10)
    images += labels[:, None, None, None] / 4 * np.array([[[1.0], [-1]], [[0], [2]]])
    images = images.astype("float32")

    def flat(x):
        return x.reshape(len(x), -1)

    def unit(x):
        return flat(x) / np.linalg.norm(flat(x), axis=1, keepdims=True)

    episodes = []
    original = few_shot.nearest_centroid

    def recorded(support, queries):
        accuracy = original(support, queries)
        episodes.append((support, queries, accuracy))
        return accuracy

    monkeypatch.setattr(few_shot, "nearest_centroid", recorded)
    settings = dict(ways=3, shots=(1, 3), queries=4, episodes=30, seed=2)
    result = evaluation.few_shot(
        flat, (images, labels), augmentation=Turn(), copies=3, **settings
    )
    augmented = np.stack([unit(images + n) for n in range(4)])  # (copies, images, dim)
    for support, queries, accuracy in episodes:
        # Queries are images as they came, of which the features tell which.
        asked = [[np.abs(augmented[0] - q).sum(1).argmin() for q in c] for c in queries]
        np.testing.assert_allclose(augmented[0][asked], queries, atol=1e-6)
        mean = augmented.mean(axis=0)
        shown = [[np.abs(mean - s).sum(1).argmin() for s in c] for c in support]
        every = np.stack([augmented[:, row].reshape(-1, 4) for row in shown])
        reference = NearestCentroid().fit(
            every.reshape(-1, 4), np.repeat(labels[shown][:, 0], every.shape[1])
        )
        score = reference.score(queries.reshape(-1, 4), labels[asked].ravel())
        assert accuracy == pytest.approx(score)
    assert (result.copies, len(episodes)) == (3, 60)
    plain = evaluation.few_shot(flat, (images, labels), **settings)
    assert plain == evaluation.few_shot(None, (flat(images), labels), **settings)
    assert plain.copies == 0 and plain.accuracy != result.accuracy


@pytest.mark.usefixtures("quick_compilation")
def test_mask_reconstruct_augments_the_support(rng):
    mae = randomize(keras_mra.MAE((4, 6, 1), 2, **TINY))
    images = rng.integers(0, 256, (40, 4, 6, 1), dtype="uint8")
    data = images, np.repeat([0, 1], 20)
    settings = dict(ways=2, shots=1, queries=5, episodes=10, copies=2, batch_size=16)

    def run(rate, seed=0):
        augment = keras_mra.layers.MaskReconstruct(
            mae, 0.5, "random", rate=rate, seed=seed
        )
        return evaluation.few_shot(mae, data, augmentation=augment, **settings)

    plain = evaluation.few_shot(mae, data, **settings)
    assert run(0.0).accuracy == plain.accuracy
    painted = run(1.0)
    assert painted == run(1.0) and painted.accuracy != plain.accuracy
    assert (painted.copies, plain.copies) == (2, 0)
