"""Calls that a new user may try: each ends in an error that names the argument."""

import numpy as np
import pytest
from helpers.models import TINY

import keras_mra
from keras_mra.layers import MaskReconstruct

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
VISIBLE = np.tile([0, 1], (4, 1))


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE((8, 8, 3), 4, **TINY)


@pytest.mark.parametrize(
    "visible, message",
    [
        ([[0, 9]] * 4, "`visible` must hold patch indices from 0 to 3"),
        ([[0, 0]] * 4, "`visible` must hold each patch at most once"),
        (VISIBLE * 1.0, "`visible` must hold integers.*float64"),
        ([0, 1], r"`visible` must have shape \(batch, kept\)"),
        (VISIBLE[:2], "`visible` must have one row.*2 rows for 4 images"),
        ([[0], [1, 2]] * 2, r"`inputs\['visible'\]` must be an array"),
    ],
)
def test_patches_to_show(mae, visible, message):
    with pytest.raises(ValueError, match=message):
        mae({"images": IMAGES, "visible": visible})


def test_dicts_of_an_msa(mae):
    msa = keras_mra.MSA(mae, None, None, hidden_dim=8, projection_dim=4)
    given = {"weak": IMAGES, "strong": IMAGES, "visible": VISIBLE}
    assert tuple(msa(given)["queries"].shape) == (4, 4)
    for changed, message in (
        ({"strong": IMAGES[:, :4]}, r"`inputs\['strong'\]` must have shape.*4, 4, 8"),
        ({"weak": "photo.png"}, r"`inputs\['weak'\]` must be an array"),
        ({"visible": [[0], [1, 2]]}, r"`inputs\['visible'\]` must be an array"),
    ):
        with pytest.raises(ValueError, match=message):
            msa({**given, **changed})


@pytest.mark.parametrize(
    "choose, message",
    [
        (None, "`choose` must be a function.*NoneType"),
        (lambda *_: None, "`visible` must be an array.*NoneType"),
        (lambda *_: [[0], [1, 2]], "`visible` must be an array.*of type list"),
        (lambda *_: [[0, 1]], "`visible` must have one row.*1 rows for 4 images"),
        (lambda *_: VISIBLE * 1.0, "`visible` must hold integers"),
        (lambda *_: VISIBLE[:, :0], "`visible` must keep at least one patch"),
    ],
)
def test_choices_of_patches(mae, choose, message):
    with pytest.raises(ValueError, match=message):
        mae.repaint(IMAGES, choose)


def test_random_map_takes_generators(mae):
    with pytest.raises(ValueError, match="`rng` must be a `numpy.random.Generator`"):
        MaskReconstruct(mae, 0.5).random_map(IMAGES, 0)
