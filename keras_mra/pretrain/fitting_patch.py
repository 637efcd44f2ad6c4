"""`fitting_patch`: the patch size for images that a preset was not made for."""

from keras_mra import checks
from keras_mra.typing import ImageShape
from keras_mra.typing import Size

# A grid of 32x32. The cost of attention grows with the square of this number.
MOST_PATCHES = 1024


def fitting_patch(image_shape: ImageShape, patch_size: Size) -> tuple[int, int]:
    """Returns `patch_size` if it makes at least 7x7 patches, else a smaller square.

    Args:
        image_shape: `(height, width, channels)`.
        patch_size: Int or pair of ints, the preferred size.

    Returns:
        A pair of ints: `patch_size`, or the side of the largest square that makes at
        least 7x7 patches. Images of less than 7 pixels get patches of one pixel.

    Raises:
        ValueError: If every size that fits makes more than `MOST_PATCHES` patches.
    """
    height, width, _ = image_shape
    preferred = checks.pair_of_ints("patch_size", patch_size)
    sides = range(max(min(height, width) // 7, 1), 0, -1)
    for ph, pw in [preferred, *((side, side) for side in sides)]:
        if height % ph or width % pw:
            continue
        grid = (height // ph, width // pw)
        if (min(grid) >= 7 or (ph, pw) == (1, 1)) and grid[0] * grid[1] <= MOST_PATCHES:
            return (ph, pw)
    raise ValueError(
        f"`patch_size` must be given for images of {height}x{width} pixels: no square "
        "cuts them into 7x7 to 32x32 patches. Received: patch_size=None"
    )
