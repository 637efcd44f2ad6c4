"""Alignment and uniformity of fixed features, against NumPy and closed forms."""

import itertools
import sys

import numpy as np
import pytest

from keras_mra import evaluation

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


@pytest.mark.parametrize("chunk", [2**24, 100])
def test_alignment_and_uniformity_pair_by_pair(rng, chunk, monkeypatch):
    monkeypatch.setattr(sys.modules["keras_mra.evaluation.alignment"], "CHUNK", chunk)
    first = rng.normal(size=(30, 5))
    second = first + 0.5 * rng.normal(size=(30, 5))
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (first, second))
    result = evaluation.alignment(None, first, second, alpha=3, t=1.5)
    apart = [np.linalg.norm(a - b) ** 3 for a, b in zip(x, y)]
    assert result.alignment == pytest.approx(np.mean(apart), rel=1e-5)
    uniformity = [
        np.log(
            np.mean(
                [
                    np.exp(-1.5 * np.sum((a - b) ** 2))
                    for a, b in itertools.combinations(view, 2)
                ]
            )
        )
        for view in (x, y)
    ]
    assert result.uniformity == pytest.approx(np.mean(uniformity), rel=1e-5)


def test_views_that_agree_and_images_that_do_not_differ():
    square = np.array([[1.0, 0], [0, 2], [-3, 0], [0, -4]])
    result = evaluation.alignment(None, square, 5 * square)
    assert result.alignment == 0
    # Of six pairs, four are at squared distance 2 and two at 4.
    expected = np.log((4 * np.exp(-4) + 2 * np.exp(-8)) / 6)
    assert result.uniformity == pytest.approx(expected, rel=1e-5)
    collapsed = evaluation.alignment(None, np.ones((4, 2)), np.ones((4, 2)))
    assert collapsed.uniformity == pytest.approx(0, abs=1e-5)
