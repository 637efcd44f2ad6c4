"""The size of a square patch that divides images of a given size."""

MOST_PATCHES = 32 * 32


def square_patch(image_shape, grid, most=None):
    """The largest square patch that divides an image into enough patches.

    Args:
        image_shape: `(height, width, channels)`.
        grid: Int, the least number of patches along each side. Images of fewer pixels
            get patches of one pixel.
        most: Int, the largest side that is allowed, or `None` for any.

    Returns:
        Int, the side of the patch in pixels.

    Raises:
        ValueError: If every such patch makes more than 32x32 patches.
    """
    height, width, _ = image_shape
    largest = max(min(height, width) // grid, 1)
    for side in range(min(largest, most or largest), 0, -1):
        if height % side or width % side:
            continue
        if (height // side) * (width // side) <= MOST_PATCHES:
            return side
    raise ValueError(
        "Square patches must divide the images into 32x32 patches at most. Give an "
        "`--image-size` such as 64, or a `--patch-size` where there is this option. "
        f"Received: images of {height}x{width} pixels"
    )
