"""A small model in an app."""

import pytest
from helpers.models import TINY
from helpers.models import randomize
from helpers.visitor import Visitor

import keras_mra
from keras_mra.app import create_app


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE((8, 12, 3), (2, 3), **TINY))


@pytest.fixture(scope="module")
def preset(mae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset")
    mae.save_to_preset(folder)
    return str(folder)


@pytest.fixture(scope="module")
def visitor(mae, preset):
    return Visitor(create_app(mae, preset))


@pytest.fixture
def pixels(rng):
    """A picture of the model's size."""
    return rng.integers(0, 256, (8, 12, 3), "uint8")
