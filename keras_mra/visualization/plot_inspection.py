"""A figure of the attention to images, and of what stays and what is repainted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.features import required_mae
from keras_mra.evaluation.inspect import MASK_RATIOS
from keras_mra.evaluation.inspect import checked_ratios
from keras_mra.evaluation.inspect import strategy_of
from keras_mra.evaluation.kept_patches import kept_patches
from keras_mra.evaluation.paint import restores_patch_statistics
from keras_mra.layers import MaskReconstruct
from keras_mra.models import MAE
from keras_mra.models import MSA
from keras_mra.typing import Array
from keras_mra.visualization.drawable import checked_images
from keras_mra.visualization.drawable import drawable
from keras_mra.visualization.picture_grid import PictureGrid
from keras_mra.visualization.plot_attention import ATTENTION_LABEL
from keras_mra.visualization.plot_reconstructions import hide
from keras_mra.visualization.plot_reconstructions import shown_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_inspection(
    mae: MAE | MSA | MaskReconstruct,
    images: Array,
    mask_ratios: Sequence[float] = MASK_RATIOS,
    seed: int = 0,
) -> "Figure":
    """Draws the attention, the patches that stay and the repainted images.

    These are the maps, masks and paint that `evaluation.inspect` measures.

    Args:
        mae: As in `evaluation.inspect`.
        images: Array of shape `(batch, height, width, channels)`, in the `value_range`
            of the `MAE`; one column each.
        mask_ratios: Floats in (0, 1), the shares of the patches to repaint.
        seed: Int, at least 0, for random masks of a `MaskReconstruct`.

    Returns:
        A matplotlib figure. Its rows are the images, the attention over them (1 is
        uniform attention), and for each ratio the patches that stay and the repainted
        image. An `MAE` without a decoder has no repainted images.

    Raises:
        ValueError: If an argument does not fit the model.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    figure = keras_mra.visualization.plot_inspection(mae, images[:8])
    figure.savefig("inspect.png")
    ```
    """
    found = required_mae(mae)
    ratios = checked_ratios(mask_ratios, found.num_patches)
    seed = checks.required_seed(seed)
    images = checked_images(images, found.image_shape, found.value_range)
    strategy = strategy_of(mae)
    restore = restores_patch_statistics(mae)
    scores, _ = AttentionSource(mae)(images)  # (B, N)

    labels, groups = ["original", "attention"], []
    for ratio in ratios:
        groups.append(len(labels))
        labels.append(f"{100 * ratio:g} % hidden:\nstays")
        if found.decoder is not None:
            labels.append("repainted")
    names = {"attention": "high attention", "low_attention": "low attention"}
    grid = PictureGrid(
        f"Patches that stay by {names.get(strategy, 'random choice')}",
        labels,
        len(images),
        images.shape[1:3],
        groups,
    )
    rows = iter(range(len(labels)))
    original = drawable(images, found.value_range)
    grid.draw(next(rows), original)
    # Scores of other models need not sum to 1.
    mean = np.maximum(scores.mean(axis=1), np.finfo("float32").tiny)
    heat = (scores / mean[:, None]).reshape(-1, *found.grid)
    grid.draw_heat(next(rows), original, heat, ATTENTION_LABEL)
    for ratio in ratios:
        visible = kept_patches(scores, ratio, strategy, seed)  # (B, K)
        grid.draw(next(rows), hide(original, shown_pixels(found, visible)))
        if found.decoder is not None:
            painted = ops.convert_to_numpy(found.reconstruct(images, visible, restore))
            grid.draw(next(rows), drawable(painted, found.value_range))
    return grid.figure
