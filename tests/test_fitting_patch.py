"""The patch size of an architecture for images of any size."""

import pytest

from keras_mra.fitting_patch import fitting_patch

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "image_shape, fitting",
    [
        ((224, 224, 3), 16),
        ((512, 512, 3), 16),
        ((640, 640, 3), 20),
        ((96, 96, 3), 12),
        ((64, 64, 3), 8),
        ((64, 96, 3), 8),
        ((32, 32, 3), 4),
        ((28, 28, 1), 4),
        ((8, 8, 1), 1),
        ((5, 5, 1), 1),
    ],
)
def test_fitting_patch(image_shape, fitting):
    assert fitting_patch(image_shape) == (fitting, fitting)


def test_images_without_a_fitting_patch_are_refused():
    with pytest.raises(ValueError, match="`patch_size` must be given.*997x997"):
        fitting_patch((997, 997, 3))
