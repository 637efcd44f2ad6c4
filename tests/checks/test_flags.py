"""Flags are booleans, and choices are strings of a list: other values are refused."""

import numpy as np
import pytest
from helpers.models import TINY

import keras_mra
from keras_mra import checks
from keras_mra.datasets import ArrayDataset

IMAGES = np.zeros((2, 8, 8, 1), "uint8")


def mae(**arguments):
    return keras_mra.MAE((8, 8, 1), 4, **{**TINY, **arguments})


def mask_reconstruct(**arguments):
    return keras_mra.layers.MaskReconstruct(mae(), 0.5, **arguments)


@pytest.mark.once
@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_flag(value):
    found = checks.flag("smooth_fill", value)
    assert type(found) is bool and found == value


@pytest.mark.once
@pytest.mark.parametrize("value", ["yes", "", 2, 0, 1, None, np.int64(1), [True]])
def test_no_flag(value):
    with pytest.raises(ValueError, match="`smooth_fill` must be True or False.*=.*"):
        checks.flag("smooth_fill", value)


@pytest.mark.once
def test_choice():
    assert checks.choice("pool", "cls", ("cls", "mean")) == "cls"
    assert checks.choice("pool", None, ("cls", "mean"), optional=True) is None


@pytest.mark.once
@pytest.mark.parametrize("value", ["CLS", "", None, 1, ["cls"], np.array(["cls", "a"])])
def test_no_choice(value):
    expected = r"`pool` must be one of \('cls', 'mean'\)\. Received: pool="
    with pytest.raises(ValueError, match=expected):
        checks.choice("pool", value, ("cls", "mean"))


@pytest.mark.once
def test_optional_choices_say_so():
    with pytest.raises(ValueError, match=r"\('cls',\) or None\. Received: pool=1"):
        checks.choice("pool", 1, ("cls",), optional=True)


@pytest.mark.parametrize(
    "name, make",
    [
        ("smooth_fill", mae),
        ("norm_pix_loss", mae),
        ("resize", mask_reconstruct),
        ("copy", mask_reconstruct),
        ("restore_patch_statistics", mask_reconstruct),
        ("return_visible", mask_reconstruct),
        ("shuffle", lambda **flags: ArrayDataset(IMAGES, batch_size=2, **flags)),
        ("drop_last", lambda **flags: ArrayDataset(IMAGES, batch_size=2, **flags)),
        (
            "restore_patch_statistics",
            lambda **flags: mae().reconstruct(IMAGES, [[0], [1]], **flags),
        ),
        (
            "load_weights",
            lambda **flags: keras_mra.MAE.from_preset("mae_nano", **flags),
        ),
    ],
)
def test_flags_of_the_public_api(name, make):
    for value in ("yes", 2):
        with pytest.raises(ValueError, match=f"`{name}` must be True or False"):
            make(**{name: value})


def test_booleans_of_numpy_are_flags():
    config = mae(smooth_fill=np.True_).get_config()
    assert config["smooth_fill"] is True
    assert mask_reconstruct(resize=np.True_).get_config()["resize"] is True
