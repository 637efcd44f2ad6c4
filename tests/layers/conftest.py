"""The autoencoder and the images of the tests of `MaskReconstruct`."""

import numpy as np
import pytest
from helpers.small_augmentor import make_mae


@pytest.fixture(scope="module")
def mae():
    return make_mae()


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (16, 12, 12, 1)).astype("uint8")


@pytest.fixture(params=["segmentation_masks", "bounding_boxes"])
def annotation(request):
    return request.param
