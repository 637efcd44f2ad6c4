"""The patches that fit an image."""

import pytest
from study.encoders import patch_size
from study.square_patch import square_patch

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "shape, patch",
    [
        ((28, 28, 1), 7),
        ((8, 8, 1), 2),
        ((32, 32, 3), 8),
        ((64, 96, 3), 16),
        ((224, 224, 3), 16),
        ((30, 45, 3), 5),
        ((17, 17, 3), 1),
    ],
)
def test_the_patch_of_an_encoder(shape, patch):
    assert patch_size(shape) == patch


@pytest.mark.parametrize(
    "shape, patch",
    [((28, 28, 1), 4), ((8, 8, 1), 1), ((224, 224, 3), 32), ((30, 45, 3), 3)],
)
def test_patches_that_are_a_seventh_of_the_side(shape, patch):
    assert square_patch(shape, grid=7) == patch


def test_a_size_that_no_patch_divides_is_refused():
    with pytest.raises(ValueError, match="`--image-size`.*`--patch-size`.*97x97"):
        patch_size((97, 97, 3))
