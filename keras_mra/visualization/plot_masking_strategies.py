"""A figure of the masking strategies and their reconstructions (MRA's figure 2)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra import masking
from keras_mra.models import MAE
from keras_mra.models.check_mae import check_mae
from keras_mra.typing import Array
from keras_mra.visualization.drawable import checked_images
from keras_mra.visualization.drawable import drawable
from keras_mra.visualization.grad_cam import CAM_LABEL
from keras_mra.visualization.grad_cam import class_titles
from keras_mra.visualization.grad_cam_maps import check_classifier
from keras_mra.visualization.grad_cam_maps import explain
from keras_mra.visualization.picture_grid import PictureGrid
from keras_mra.visualization.plot_attention import ATTENTION_LABEL
from keras_mra.visualization.plot_attention import attention_heat
from keras_mra.visualization.plot_reconstructions import hide
from keras_mra.visualization.plot_reconstructions import shown_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_masking_strategies(
    mae: MAE,
    images: Array,
    mask_ratio: float = 0.4,
    seed: int | None = 0,
    classifier: keras.Model | None = None,
    classes: int | Array | None = None,
    layer: str | keras.layers.Layer | None = None,
    class_names: Sequence[str] | None = None,
) -> "Figure":
    """Draws the visible patches and the reconstruction of each masking strategy.

    Args:
        mae: `keras_mra.MAE`.
        images: Array of shape `(batch, height, width, channels)`, in
            `mae.value_range`; one column each.
        mask_ratio: Float in (0, 1).
        seed: Int or `None`, for the random masks.
        classifier: Keras model from such images to classes, or `None`. Its Grad-CAM is
            drawn for the images and for each reconstruction, always for the class of
            the original image, which is the predicted one unless `classes` are given.
        classes: As in `grad_cam`, of the original images.
        layer: As in `grad_cam`.
        class_names: As in `grad_cam`.

    Returns:
        A matplotlib figure. Its rows are the images, the attention of the class token,
        and for each strategy the visible patches and the reconstruction. With a
        classifier, the class that the Grad-CAM explains stands above each column.

    Raises:
        ValueError: If an argument does not fit the model or the classifier.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    figure = keras_mra.visualization.plot_masking_strategies(
        mae, images[:8], classifier=model
    )
    figure.savefig("strategies.png")
    ```
    """
    check_mae(mae)
    images = checked_images(images, mae.image_shape, mae.value_range)
    if classifier is not None:
        check_classifier("classifier", classifier)
    kept = masking.num_visible(mae.num_patches, mask_ratio)
    seed = checks.seed(seed)
    attention = mae.attention(images)
    views, shown = [images], []
    for strategy in masking.STRATEGIES:
        visible = masking.visible_patches(attention, mask_ratio, strategy, seed=seed)
        shown.append(shown_pixels(mae, visible))
        views.append(ops.convert_to_numpy(mae.reconstruct(images, visible)))
    drawn = [drawable(view, mae.value_range) for view in views]

    cams, titles = [], []
    if classifier is not None:
        seen = explain(classifier, images, classes, layer)
        titles = class_titles(seen, class_names, predicted=classes is None)
        others = np.tile(seen.classes, len(views) - 1)
        other_views = np.concatenate(views[1:])
        painted = explain(classifier, other_views, others, seen.layer)
        cams = [seen.maps, *np.split(painted.maps, len(views) - 1)]

    cam_row = ["Grad-CAM"] if cams else []
    labels, groups = ["original", "attention", *cam_row], []
    for strategy in masking.STRATEGIES:
        groups.append(len(labels))
        name = strategy.replace("_", " ")
        parts = ["visible", "reconstructed", *cam_row]
        labels += [f"{name}:\n{part}" for part in parts]
    hidden = mae.num_patches - kept
    grid = PictureGrid(
        f"Masking strategies, {hidden} of {mae.num_patches} patches hidden",
        labels,
        len(images),
        images.shape[1:3],
        groups,
        titles,
    )
    rows = iter(range(len(labels)))
    grid.draw(next(rows), drawn[0])
    heat = attention_heat(mae, attention)
    grid.draw_heat(next(rows), drawn[0], heat, ATTENTION_LABEL)
    for i, view in enumerate(drawn):
        if i > 0:
            grid.draw(next(rows), hide(drawn[0], shown[i - 1]))
            grid.draw(next(rows), view)
        if cams:
            grid.draw_heat(next(rows), view, cams[i], CAM_LABEL, highest=1)
    return grid.figure
