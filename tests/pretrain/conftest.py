"""What the tests of pretraining share."""

import pytest
from helpers.small_pretraining import make_images


@pytest.fixture
def images():
    """Twelve grey images of 8x8 random pixels."""
    return make_images()
