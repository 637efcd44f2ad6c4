"""A figure of images, of their visible patches and of a model's reconstructions."""

from typing import TYPE_CHECKING
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra import masking
from keras_mra import patches
from keras_mra.models import MAE
from keras_mra.models.check_mae import check_mae
from keras_mra.typing import Array
from keras_mra.visualization.drawable import checked_images
from keras_mra.visualization.drawable import drawable
from keras_mra.visualization.picture_grid import HEAT
from keras_mra.visualization.picture_grid import PictureGrid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIDDEN = 0.5  # mid-grey


def plot_reconstructions(
    mae: MAE, images: Array, mask_ratio: float | None = None, seed: int | None = 0
) -> "Figure":
    """Draws images, their visible patches under a random mask, and reconstructions.

    A model trained with `norm_pix_loss` cannot paint on its own. Its patches get the
    mean and deviation of the patches that they replace, and the label of the row says
    so.

    Args:
        mae: `keras_mra.MAE`.
        images: Array of shape `(batch, height, width, channels)`, in
            `mae.value_range`; one column each.
        mask_ratio: Float in (0, 1), the share of patches to hide, or `None` for the
            ratio that the model is trained with.
        seed: Int or `None`, for the masks.

    Returns:
        A matplotlib figure. Its rows are the images, the visible patches, the
        reconstructions, and the absolute error (the mean of the channels in % of the
        value range). Below each column is the mean error of the hidden patches.

    Raises:
        ValueError: If an argument does not fit the model.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    figure = keras_mra.visualization.plot_reconstructions(mae, images[:8])
    figure.savefig("reconstructions.png")
    ```
    """
    check_mae(mae)
    mask_ratio = mae.mask_ratios[1] if mask_ratio is None else mask_ratio
    kept = masking.num_visible(mae.num_patches, mask_ratio)
    images = checked_images(images, mae.image_shape, mae.value_range)
    visible = masking.random_patches(
        len(images), mae.num_patches, kept, checks.seed(seed)
    )
    painted = mae.reconstruct(images, visible, mae.norm_pix_loss)
    painted = ops.convert_to_numpy(painted)
    shown = shown_pixels(mae, visible)  # (B, H, W)
    error = _percent_error(painted, images, mae.value_range)  # (B, H, W)

    restored = "\n(each patch's mean and\ndeviation given)" if mae.norm_pix_loss else ""
    hidden = mae.num_patches - kept
    grid = PictureGrid(
        f"{hidden} of {mae.num_patches} patches hidden at random",
        ["original", "visible", f"reconstructed{restored}", "error"],
        len(images),
        images.shape[1:3],
    )
    original = drawable(images, mae.value_range)
    grid.draw(0, original)
    grid.draw(1, hide(original, shown))
    grid.draw(2, drawable(painted, mae.value_range))
    for axis, values, seen in zip(grid.axes[3], error, shown):
        image = axis.imshow(
            values, HEAT, vmin=0, vmax=error.max(), interpolation="nearest"
        )
        axis.set_xlabel(f"mean {values[~seen].mean():.1f} %", fontsize=8)
    grid.draw_scale(3, image, "absolute error,\n% of the value range")
    return grid.figure


def shown_pixels(mae: MAE, visible: Array) -> NDArray[np.bool_]:
    """Marks the pixels of visible patches: bool array `(batch, height, width)`."""
    shown = patches.visible_pixels(visible, mae.grid, mae.image_shape[:2])
    return np.asarray(ops.convert_to_numpy(shown)[..., 0])


def hide(drawn: NDArray[Any], shown: NDArray[np.bool_]) -> NDArray[Any]:
    """Replaces hidden pixels by mid-grey.

    Args:
        drawn: Pictures, as `drawable` returns them.
        shown: Bool array of shape `(batch, height, width)`.
    """
    if drawn.ndim == 4:
        shown = shown[..., None]
    return np.where(shown, drawn, np.float32(HIDDEN))


def _percent_error(
    painted: NDArray[Any], images: NDArray[Any], value_range: tuple[float, float]
) -> NDArray[Any]:
    low, high = value_range
    error = np.abs(painted.astype("float32") - images.astype("float32"))
    percent: NDArray[Any] = 100 * error.mean(-1) / (high - low)
    return percent
