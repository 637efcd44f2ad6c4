"""The small autoencoder of the tests of `MAE`, images and masks for it."""

import pytest
from helpers.models import random_visible
from helpers.models import randomize
from helpers.small_mae import NUM_PATCHES
from helpers.small_mae import SHAPE
from helpers.small_mae import make_mae


@pytest.fixture(scope="module")
def mae():
    return randomize(make_mae())


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (3, *SHAPE), dtype="uint8")


@pytest.fixture
def visible(rng):
    return random_visible(rng, 3, NUM_PATCHES, 3)
