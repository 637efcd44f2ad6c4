"""Pictures of what a masked autoencoder sees, keeps and paints (matplotlib)."""

import numpy as np
from keras import ops

from keras_mra import masking
from keras_mra import patches


def plot_masking_strategies(mae, images, mask_ratio=0.4, seed=0):
    """Draws masking and reconstruction under each strategy (MRA's figure 2).

    Args:
        mae: `keras_mra.MAE`.
        images: Array of shape `(batch, height, width, channels)`, in
            `mae.value_range`; one column each.
        mask_ratio: Float in (0, 1).
        seed: Int, for the random masks.

    Returns:
        A matplotlib figure. Rows: the images, the attention of the class token, and
        for each strategy what stays visible and the reconstruction.
    """
    from matplotlib.figure import Figure

    images = np.asarray(images)
    attention = mae.attention(images)
    rows = [("original", images), ("attention", _heat(mae, attention))]
    for strategy in masking.STRATEGIES:
        visible = masking.visible_patches(attention, mask_ratio, strategy, seed=seed)
        shown = patches.visible_pixels(visible, mae.grid, images.shape[1:3])
        gray = np.full_like(images, np.mean(mae.value_range))
        kept = np.where(ops.convert_to_numpy(shown), images, gray)
        painted = ops.convert_to_numpy(mae.reconstruct(images, visible))
        title = strategy.replace("_", " ")
        rows += [(f"{title}:\nvisible", kept), (f"{title}:\nreconstructed", painted)]

    figure = Figure(figsize=(1.1 * len(images) + 1.2, 1.1 * len(rows)))
    axes = figure.subplots(len(rows), len(images), squeeze=False)
    for row, (title, pictures) in zip(axes, rows):
        row[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=9)
        for axis, picture in zip(row, pictures):
            axis.set(xticks=[], yticks=[])
            if title == "attention":
                axis.imshow(picture, cmap="magma")
            else:
                axis.imshow(_scaled(picture, mae.value_range), "gray", vmin=0, vmax=1)
    figure.tight_layout(pad=0.4)
    return figure


def _heat(mae, attention):
    """Attention as maps `(batch, height, width)`, constant in each patch."""
    maps = ops.convert_to_numpy(attention).reshape(-1, *mae.grid)
    for axis, side in enumerate(mae.patch_size, start=1):
        maps = np.repeat(maps, side, axis=axis)
    return maps


def _scaled(picture, value_range):
    """An image as matplotlib draws it: from 0 to 1, gray ones without channels."""
    low, high = value_range
    picture = np.clip((np.asarray(picture, "float32") - low) / (high - low), 0, 1)
    # Of a number of channels that has no colours, the first is drawn.
    return picture if picture.shape[-1] in (3, 4) else picture[..., 0]
