"""Neighbour purity of fixed features, against NumPy."""

import itertools
import sys

import numpy as np
import pytest

from keras_mra import evaluation

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


@pytest.mark.parametrize("chunk", [2**24, 200])
def test_purity_is_the_share_of_neighbours_alike(rng, chunk, monkeypatch):
    monkeypatch.setattr(sys.modules["keras_mra.evaluation.knn"], "CHUNK", chunk)
    labels = rng.permutation(np.repeat([2, 3, 5], [30, 20, 10]))
    features = np.eye(6)[labels] + 0.8 * rng.normal(size=(60, 6))
    result = evaluation.purity(None, (features, labels), k=(7, 1))
    shares = {7: [], 1: []}
    for i, query in enumerate(features):
        cosines = features @ query / np.linalg.norm(features, axis=1)
        order = [j for j in np.argsort(-cosines) if j != i]
        for k, found in shares.items():
            found.append(np.mean(labels[order[:k]] == labels[i]))
    assert list(result.purity) == [7, 1]
    for k, found in shares.items():
        assert result.purity[k] == pytest.approx(np.mean(found))
    pairs = [a == b for a, b in itertools.permutations(labels, 2)]
    assert result.chance == pytest.approx(np.mean(pairs))
    assert result.purity[1] > result.chance


def test_an_image_is_not_its_own_neighbour():
    """Twins of another class: every nearest one is wrong."""
    features = np.repeat(np.eye(4), 2, axis=0)
    result = evaluation.purity(None, (features, np.tile([0, 1], 4)), k=1)
    assert result.purity == {1: 0.0}
    result = evaluation.purity(None, (features, np.repeat(np.arange(4), 2)), k=1)
    assert result.purity == {1: 1.0}
