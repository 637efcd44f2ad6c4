"""The patch size for images that a preset was not made for."""

import pytest

from keras_mra.pretrain.fitting_patch import fitting_patch

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "image_shape, patch_size, fitting",
    [
        ((224, 224, 3), 16, (16, 16)),
        ((28, 28, 1), 4, (4, 4)),
        ((28, 28, 1), 16, (4, 4)),
        ((32, 32, 3), 16, (4, 4)),
        ((64, 96, 3), 16, (8, 8)),
        ((8, 8, 1), 16, (1, 1)),
        ((56, 56, 3), (4, 8), (4, 8)),
        ((5, 5, 1), 16, (1, 1)),
    ],
)
def test_fitting_patch(image_shape, patch_size, fitting):
    assert fitting_patch(image_shape, patch_size) == fitting


def test_images_without_a_fitting_patch_are_refused():
    with pytest.raises(ValueError, match="`patch_size` must be given.*997x997"):
        fitting_patch((997, 997, 3), 16)
