"""`fitting_patch`: the patch size of an architecture for images of any size."""

from keras_mra.typing import ImageShape

# Fewer patches along a side leave too little to hide and to keep.
FEWEST = 7
# Larger patches have more values than a small encoder's token can hold.
LARGEST = 16
# A grid of 32x32. The cost of attention grows with the square of this number.
MOST_PATCHES = 1024


def fitting_patch(image_shape: ImageShape) -> tuple[int, int]:
    """Returns the side of the square patches for images of a size.

    Args:
        image_shape: `(height, width, channels)`.

    Returns:
        A pair of equal ints: the largest side of at most 16 pixels that cuts the images
        into at least 7x7 and at most 1,024 patches. If there is none, the smallest
        larger side that does. Images of less than 7 pixels get patches of one pixel.

    Raises:
        ValueError: If no side cuts the images so.
    """
    height, width, _ = image_shape
    if min(height, width) < FEWEST:
        return (1, 1)
    sides = [
        side
        for side in range(1, min(height, width) // FEWEST + 1)
        if height % side == width % side == 0
        and height * width // side**2 <= MOST_PATCHES
    ]
    if not sides:
        raise ValueError(
            f"`patch_size` must be given for images of {height}x{width} pixels: no "
            "square cuts them into 7x7 to 32x32 patches. Or choose another "
            "`image_shape` (--image-size), whose sides 8 divides. Received: "
            "patch_size=None"
        )
    side = max((side for side in sides if side <= LARGEST), default=sides[0])
    return (side, side)
