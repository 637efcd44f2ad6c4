"""Nearest neighbours, against a vote image by image in NumPy."""

import sys

import numpy as np
import pytest

from keras_mra import evaluation

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


def test_features_are_computed_once(train, test):
    calls = []

    def encoder(images):
        calls.append(len(images))
        return images[:, 0, 0]

    as_images = [(x[:, None, None], y) for x, y in (train, test)]
    direct = evaluation.knn(None, train, test)
    assert evaluation.knn(encoder, *as_images, batch_size=200) == direct
    assert calls == [120, 90]
    # Features in place of images, whatever the encoder.
    assert evaluation.knn(encoder, train, as_images[1]) == direct


def vote(train, test, k, temperature):
    """Nearest neighbours, image by image, in float64."""
    features, labels = train[0].astype("float64"), train[1]
    answers = []
    for query in test[0].astype("float64"):
        similarity = features @ query
        similarity /= np.linalg.norm(features, axis=1) * np.linalg.norm(query)
        votes = dict.fromkeys(np.unique(labels), 0.0)
        for neighbour in np.argsort(-similarity)[:k]:
            votes[labels[neighbour]] += np.exp(similarity[neighbour] / temperature)
        answers.append(max(votes, key=votes.get))
    return np.array(answers)


@pytest.mark.parametrize("chunk", [2**24, 1000])
@pytest.mark.parametrize("temperature", [0.07, 10.0])
def test_knn_is_a_brute_force_vote(train, test, temperature, chunk, monkeypatch):
    monkeypatch.setattr(sys.modules["keras_mra.evaluation.knn"], "CHUNK", chunk)
    result = evaluation.knn(None, train, test, k=(20, 1, 5), temperature=temperature)
    assert list(result.accuracy) == [20, 1, 5]
    for k, accuracy in result.accuracy.items():
        assert accuracy == (vote(train, test, k, temperature) == test[1]).mean()
    assert len(set(result.accuracy.values())) == 3
    one = evaluation.knn(None, train, test, k=5, temperature=temperature)
    assert one.accuracy == {5: result.accuracy[5]}


def test_knn_survives_small_temperatures_and_zero_features(train, test):
    features = train[0].copy()
    features[0] = 0
    cold = evaluation.knn(None, (features, train[1]), test, k=20, temperature=1e-5)
    nearest = evaluation.knn(None, (features, train[1]), test, k=1)
    assert cold.accuracy[20] == nearest.accuracy[1]


@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_the_scale_of_features_does_not_matter(train, test, scale):
    scaled = [(x * np.float32(scale), y) for x, y in (train, test)]
    found = evaluation.knn(None, *scaled, k=5).accuracy[5]
    assert found == evaluation.knn(None, train, test, k=5).accuracy[5]
