"""Labelled features for the protocols."""

import pytest
from helpers.blobs import blobs


@pytest.fixture
def train(rng):
    return blobs(rng, 40)


@pytest.fixture
def test(rng):
    return blobs(rng, 30)
