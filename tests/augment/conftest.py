"""Small MAEs, each compiled once for all tests of a module."""

import functools

import pytest

import keras_mra
from keras_mra import backend

SMALL = {
    "patch_size": 4,
    "encoder_dim": 16,
    "encoder_depth": 1,
    "encoder_heads": 2,
    "decoder_dim": 16,
    "decoder_depth": 1,
    "decoder_heads": 2,
}


@pytest.fixture(scope="module", autouse=True)
def compile_once():
    """Saves half the time: most runs ask for the same compiled functions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "compiled", functools.cache(backend.compiled))
        yield


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE(image_shape=(16, 16, 3), **SMALL)


@pytest.fixture(scope="module")
def gray_mae():
    return keras_mra.MAE(image_shape=(16, 8, 1), value_range=(0, 1), **SMALL)


@pytest.fixture(scope="module")
def alpha_mae():
    return keras_mra.MAE(image_shape=(16, 16, 4), **SMALL)


@pytest.fixture(scope="module")
def two_channel_mae():
    return keras_mra.MAE(image_shape=(16, 16, 2), **SMALL)


@pytest.fixture(scope="module")
def normalized_mae():
    return keras_mra.MAE(image_shape=(16, 16, 3), norm_pix_loss=True, **SMALL)
