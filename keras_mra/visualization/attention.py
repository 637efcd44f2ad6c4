"""Where the class token looks."""

from keras import ops

from keras_mra.visualization import pictures

ATTENTION_LABEL = "attention to a patch\n(1 = uniform)"


def plot_attention(mae, images, block=-1):
    """Draws the attention of the class token over the images.

    Args:
        mae: `keras_mra.MAE`.
        images: Array of shape `(batch, height, width, channels)`, in
            `mae.value_range`; one column each.
        block: Int, the encoder block that is asked; the last by default.

    Returns:
        A matplotlib figure. Rows: the images; the attention, mean of the heads, laid
        over them. The scale is common to all images: 1 is what each patch would get if
        all were attended to alike.

    Raises:
        ValueError: If the images do not fit the model, or there is no such block.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    figure = keras_mra.visualization.plot_attention(mae, images[:8])
    figure.savefig("attention.png")
    ```
    """
    images = pictures.checked_images(images, mae.image_shape, mae.value_range)
    heat = attention_heat(mae, mae.attention(images, block))
    drawn = pictures.drawable(images, mae.value_range)
    number = block % mae.encoder_depth + 1
    figure, axes = pictures.picture_grid(
        f"Attention of the class token, block {number} of {mae.encoder_depth}",
        ["original", "attention"],
        len(images),
        images.shape[1:3],
    )
    pictures.draw(axes[0], drawn)
    pictures.draw_heat(axes[1], drawn, heat, ATTENTION_LABEL)
    return figure


def attention_heat(mae, attention):
    """Attention as maps `(batch, rows, columns)`, 1 where it is as if uniform.

    Args:
        mae: `keras_mra.MAE`.
        attention: Tensor of shape `(batch, patches)`, rows of sum 1.
    """
    maps = ops.convert_to_numpy(attention).reshape(-1, *mae.grid)
    return maps * mae.num_patches
