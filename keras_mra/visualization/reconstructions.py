"""What a masked autoencoder is shown, and what it paints."""

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra import masking
from keras_mra import patches
from keras_mra.visualization import pictures

HIDDEN = 0.5  # mid-gray


def plot_reconstructions(mae, images, mask_ratio=None, seed=0):
    """Draws images, what is left of them under a random mask, and the painted images.

    A model trained with `norm_pix_loss` cannot paint by itself; its patches are given
    the mean and deviation of the patches that they replace, and the row says so.

    Args:
        mae: `keras_mra.MAE`.
        images: Array of shape `(batch, height, width, channels)`, in
            `mae.value_range`; one column each.
        mask_ratio: Float in (0, 1), the share of patches to hide, or `None` for the
            one that the model is trained with.
        seed: Int, for the masks.

    Returns:
        A matplotlib figure. Rows: the images; the visible patches; the painted images;
        the absolute error, mean of the channels, in % of the value range, and below
        each column its mean over the hidden patches.

    Raises:
        ValueError: If an argument does not fit the model.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    figure = keras_mra.visualization.plot_reconstructions(mae, images[:8])
    figure.savefig("reconstructions.png")
    ```
    """
    mask_ratio = mae.mask_ratio if mask_ratio is None else mask_ratio
    kept = masking.num_visible(mae.num_patches, mask_ratio)
    images = pictures.checked_images(images, mae.image_shape, mae.value_range)
    visible = masking.random_patches(
        len(images), mae.num_patches, kept, checks.seed(seed)
    )
    painted = mae.reconstruct(images, visible, mae.norm_pix_loss)
    painted = ops.convert_to_numpy(painted)
    shown = shown_pixels(mae, visible)  # (B, H, W)
    error = _percent_error(painted, images, mae.value_range)  # (B, H, W)

    restored = "\n(each patch's mean and\ndeviation given)" if mae.norm_pix_loss else ""
    hidden = mae.num_patches - kept
    figure, axes = pictures.picture_grid(
        f"{hidden} of {mae.num_patches} patches hidden at random",
        ["original", "visible", f"reconstructed{restored}", "error"],
        len(images),
        images.shape[1:3],
    )
    original = pictures.drawable(images, mae.value_range)
    pictures.draw(axes[0], original)
    pictures.draw(axes[1], hide(original, shown))
    pictures.draw(axes[2], pictures.drawable(painted, mae.value_range))
    for axis, values, seen in zip(axes[3], error, shown):
        image = axis.imshow(
            values, pictures.HEAT, vmin=0, vmax=error.max(), interpolation="nearest"
        )
        axis.set_xlabel(f"mean {values[~seen].mean():.1f} %", fontsize=8)
    pictures.draw_scale(axes[3], image, "absolute error,\n% of the value range")
    return figure


def shown_pixels(mae, visible):
    """Marks the pixels of visible patches: bool array `(batch, height, width)`."""
    shown = patches.visible_pixels(visible, mae.grid, mae.image_shape[:2])
    return ops.convert_to_numpy(shown)[..., 0]


def hide(drawn, shown):
    """Paints mid-gray what is not shown.

    Args:
        drawn: What `pictures.drawable` returned.
        shown: Bool array of shape `(batch, height, width)`.
    """
    if drawn.ndim == 4:
        shown = shown[..., None]
    return np.where(shown, drawn, np.float32(HIDDEN))


def _percent_error(painted, images, value_range):
    low, high = value_range
    error = np.abs(painted.astype("float32") - images.astype("float32"))
    return 100 * error.mean(-1) / (high - low)
