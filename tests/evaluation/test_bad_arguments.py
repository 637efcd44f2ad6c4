"""Functions, layers, callbacks and lists that the protocols cannot use are named."""

import numpy as np
import pytest
from helpers.models import TINY

import keras_mra
from keras_mra import evaluation

pytestmark = pytest.mark.once

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), "uint8")
LABELS = np.arange(8) % 2
DATA = (IMAGES, LABELS)
RAGGED = [[1, 2], [3]]


def classify(images):
    return np.zeros((len(images), 2))


def curve(widths, **arguments):
    return evaluation.occlusion_curve(classify, DATA, widths, **arguments)


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE((8, 8, 1), 4, **TINY)


@pytest.mark.parametrize("widths", [1.5, [1, 2.0], "x", None, True, [1, np.nan], -1])
def test_widths_in_pixels(widths):
    with pytest.raises(ValueError, match="`widths` must be integers, at least 0.*wid"):
        curve(widths)


def test_no_widths():
    with pytest.raises(ValueError, match="`widths` must hold at least one number"):
        curve([])


@pytest.mark.parametrize("widths", [1.5, np.nan, ["x"]])
def test_widths_as_shares(widths):
    with pytest.raises(ValueError, match=r"`widths` must be in \[0, 1\]"):
        curve(widths, kind="patches", patch_size=4)


@pytest.mark.parametrize("value", ["x", None, np.nan])
def test_value_of_an_occlusion(value):
    with pytest.raises(ValueError, match="`value` must be a finite number"):
        curve(1, value=value)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(augmentation="x"), "`augmentation` must be a Keras layer or None.*='x'"),
        (dict(callbacks="x"), "`callbacks` must be a list of Keras callbacks.*'x'"),
        (dict(verbose="x"), "`verbose` must be one of .*='x'"),
    ],
)
def test_fine_tuning(mae, arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluation.fine_tune(mae, DATA, DATA, epochs=1, **arguments)


@pytest.mark.parametrize("transforms", ["x", 3, ["x"], {"a": 3}, {3: classify}])
def test_transforms_that_are_no_functions(mae, transforms):
    with pytest.raises(ValueError, match="`transforms` must be a dict from names to"):
        evaluation.invariance(mae, DATA, DATA, transforms=transforms)


def test_transforms_that_fail(mae):
    message = "`transforms` must be functions of .*an error from 'alone'"
    with pytest.raises(ValueError, match=message):
        evaluation.invariance(mae, DATA, DATA, transforms={"alone": lambda x: x})


@pytest.mark.parametrize(
    "name, call",
    [
        ("images", lambda mae: evaluation.features(mae, RAGGED)),
        ("images", lambda mae: evaluation.attention_distance(mae, RAGGED)),
        ("images", lambda mae: evaluation.attention_statistics(mae, RAGGED)),
        ("images", lambda mae: evaluation.paint(mae, RAGGED)),
        ("images", lambda mae: evaluation.inspect(mae, RAGGED)),
        ("masks", lambda mae: evaluation.foreground(mae, IMAGES, RAGGED)),
        ("train", lambda mae: evaluation.knn(mae, (RAGGED, LABELS), DATA)),
        ("test", lambda mae: evaluation.knn(mae, DATA, (IMAGES, RAGGED))),
        ("data", lambda mae: evaluation.occlusion_curve(classify, (RAGGED, LABELS), 1)),
    ],
)
def test_ragged_lists(mae, name, call):
    with pytest.raises(
        ValueError, match=f"`{name}` must be an array, a tensor, or nes"
    ):
        call(mae)
