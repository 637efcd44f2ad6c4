"""Fixtures of the tests of the commands."""

import pytest
from helpers.models import TINY
from helpers.models import randomize

import keras_mra


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset")
    randomize(keras_mra.MAE((8, 8, 3), 4, **TINY)).save_to_preset(folder)
    return str(folder)
