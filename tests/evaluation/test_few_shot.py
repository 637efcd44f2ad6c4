"""Few-shot episodes on fixed features, against scikit-learn's nearest centroid."""

import sys

import numpy as np
import pytest
from helpers.blobs import blobs
from sklearn.neighbors import NearestCentroid

from keras_mra import evaluation

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


@pytest.fixture
def episodes(monkeypatch):
    """Records the support, the queries and the accuracy of each episode."""
    few_shot = sys.modules["keras_mra.evaluation.few_shot"]
    original = few_shot.nearest_centroid
    seen = []

    def recorded(support, queries):
        accuracy = original(support, queries)
        seen.append((support, queries, accuracy))
        return accuracy

    monkeypatch.setattr(few_shot, "nearest_centroid", recorded)
    return seen


def test_few_shot_answers_by_the_nearest_centroid(rng, episodes):
    data = blobs(rng, 30, classes=(0, 1, 3, 4, 8), dim=4)
    unit = data[0] / np.linalg.norm(data[0], axis=1, keepdims=True)
    result = evaluation.few_shot(
        None, data, ways=3, shots=(1, 5), queries=7, episodes=40, seed=1
    )
    by_shot = {1: [], 5: []}
    for support, queries, _ in episodes:
        ways, shot, _ = support.shape
        assert (ways, queries.shape) == (3, (3, 7, 4))
        # Which images these are: all different, those of a row of one class.
        drawn = np.concatenate([support, queries], axis=1)
        rows, index = np.nonzero((drawn.reshape(-1, 1, 4) == unit[None]).all(axis=-1))
        assert len(set(index)) == len(rows) == 3 * (shot + 7)
        labels = data[1][index].reshape(3, -1)
        assert (labels == labels[:, :1]).all() and len(set(labels[:, 0])) == 3
        reference = NearestCentroid().fit(
            support.reshape(-1, 4), labels[:, :shot].ravel()
        )
        by_shot[shot].append(
            reference.score(queries.reshape(-1, 4), labels[:, shot:].ravel())
        )
    for shot, accuracies in by_shot.items():
        assert len(accuracies) == 40
        np.testing.assert_allclose(result.accuracy[shot], np.mean(accuracies))
        half = 1.96 * np.std(accuracies, ddof=1) / 40**0.5
        np.testing.assert_allclose(result.interval[shot], half)
    # All shots are asked the same of the same classes.
    np.testing.assert_array_equal(episodes[0][1], episodes[1][1])
    np.testing.assert_array_equal(episodes[0][0], episodes[1][0][:, :1])
    assert result.accuracy[5] > result.accuracy[1]


def test_few_shot_of_what_cannot_be_told_apart(rng):
    features, labels = rng.normal(size=(200, 8)), np.repeat(np.arange(10), 20)
    chance = evaluation.few_shot(None, (features, labels), queries=10, episodes=200)
    assert abs(chance.accuracy[1] - 0.2) < 2 * chance.interval[1] < 0.05
    sure = evaluation.few_shot(
        None, (np.eye(10)[labels], labels), queries=10, episodes=5
    )
    assert sure.accuracy == {1: 1.0, 5: 1.0} and sure.interval == {1: 0.0, 5: 0.0}


def test_draws_follow_the_seed(train):
    def run(seed):
        return evaluation.few_shot(None, train, 3, episodes=20, seed=seed)

    assert run(0) == run(0)
    assert run(0).accuracy != run(1).accuracy
