"""A figure of the class token's attention to images."""

from typing import TYPE_CHECKING
from typing import Any

from keras import ops
from numpy.typing import NDArray

from keras_mra.models import MAE
from keras_mra.models.check_mae import check_mae
from keras_mra.typing import Array
from keras_mra.visualization.drawable import checked_images
from keras_mra.visualization.drawable import drawable
from keras_mra.visualization.picture_grid import PictureGrid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ATTENTION_LABEL = "attention to a patch\n(1 = uniform)"


def plot_attention(mae: MAE, images: Array, block: int = -1) -> "Figure":
    """Draws the attention of the class token over the images.

    Args:
        mae: `keras_mra.MAE`.
        images: Array of shape `(batch, height, width, channels)`, in
            `mae.value_range`; one column each.
        block: Int, the encoder block whose attention is drawn; the last by default.

    Returns:
        A matplotlib figure. Its rows are the images, and the attention over them, which
        is the mean of the heads. The scale is common to all images: 1 is the value of
        uniform attention.

    Raises:
        ValueError: If the images do not fit the model, or there is no such block.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    figure = keras_mra.visualization.plot_attention(mae, images[:8])
    figure.savefig("attention.png")
    ```
    """
    check_mae(mae)
    images = checked_images(images, mae.image_shape, mae.value_range)
    heat = attention_heat(mae, mae.attention(images, block))
    drawn = drawable(images, mae.value_range)
    number = block % mae.encoder_depth + 1
    grid = PictureGrid(
        f"Attention of the class token, block {number} of {mae.encoder_depth}",
        ["original", "attention"],
        len(images),
        images.shape[1:3],
    )
    grid.draw(0, drawn)
    grid.draw_heat(1, drawn, heat, ATTENTION_LABEL)
    return grid.figure


def attention_heat(mae: MAE, attention: Array) -> NDArray[Any]:
    """Attention as maps `(batch, rows, columns)`, with 1 for uniform attention.

    Args:
        mae: `keras_mra.MAE`.
        attention: Tensor of shape `(batch, patches)`; rows sum to 1.
    """
    maps: NDArray[Any] = ops.convert_to_numpy(attention).reshape(-1, *mae.grid)
    return maps * mae.num_patches
