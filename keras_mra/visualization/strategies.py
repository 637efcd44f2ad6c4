"""MRA's figure 2: what each masking strategy keeps, and what is made of it."""

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra import masking
from keras_mra.visualization import pictures
from keras_mra.visualization.attention import ATTENTION_LABEL
from keras_mra.visualization.attention import attention_heat
from keras_mra.visualization.cam import CAM_LABEL
from keras_mra.visualization.cam import class_titles
from keras_mra.visualization.cam import explain
from keras_mra.visualization.reconstructions import hide
from keras_mra.visualization.reconstructions import shown_pixels


def plot_masking_strategies(
    mae,
    images,
    mask_ratio=0.4,
    seed=0,
    classifier=None,
    classes=None,
    layer=None,
    class_names=None,
):
    """Draws masking and reconstruction under each strategy (MRA's figure 2).

    Args:
        mae: `keras_mra.MAE`.
        images: Array of shape `(batch, height, width, channels)`, in
            `mae.value_range`; one column each.
        mask_ratio: Float in (0, 1).
        seed: Int, for the random masks.
        classifier: Keras model from such images to classes, or `None`. When given, its
            Grad-CAM is drawn for the images and for each strategy's reconstructions,
            always of the class that it sees in the original image.
        classes: For the Grad-CAM, as in `grad_cam`.
        layer: Likewise.
        class_names: Likewise.

    Returns:
        A matplotlib figure. Rows: the images, the attention of the class token, and
        for each strategy what stays visible and the reconstruction.

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
    images = pictures.checked_images(images, mae.image_shape, mae.value_range)
    kept = masking.num_visible(mae.num_patches, mask_ratio)
    seed = checks.seed(seed)
    attention = mae.attention(images)
    views, shown = [images], []
    for strategy in masking.STRATEGIES:
        visible = masking.visible_patches(attention, mask_ratio, strategy, seed=seed)
        shown.append(shown_pixels(mae, visible))
        views.append(ops.convert_to_numpy(mae.reconstruct(images, visible)))
    drawn = [pictures.drawable(view, mae.value_range) for view in views]

    cams = []
    if classifier is not None:
        seen = explain(classifier, images, classes, layer)
        names = class_titles(seen, class_names)
        others = np.tile(seen.classes, len(views) - 1)
        other_views = np.concatenate(views[1:])
        painted = explain(classifier, other_views, others, seen.layer)
        cams = [seen.maps, *np.split(painted.maps, len(views) - 1)]

    cam_row = [] if classifier is None else ["Grad-CAM"]
    labels, groups = ["original", "attention", *cam_row], []
    for strategy in masking.STRATEGIES:
        groups.append(len(labels))
        name = strategy.replace("_", " ")
        parts = ["visible", "reconstructed", *cam_row]
        labels += [f"{name}:\n{part}" for part in parts]
    hidden = mae.num_patches - kept
    figure, axes = pictures.picture_grid(
        f"Masking strategies, {hidden} of {mae.num_patches} patches hidden",
        labels,
        len(images),
        images.shape[1:3],
        groups,
    )
    rows = iter(axes)
    pictures.draw(next(rows), drawn[0])
    heat = attention_heat(mae, attention)
    pictures.draw_heat(next(rows), drawn[0], heat, ATTENTION_LABEL)
    for i, view in enumerate(drawn):
        if i > 0:
            pictures.draw(next(rows), hide(drawn[0], shown[i - 1]))
            pictures.draw(next(rows), view)
        if cams:
            pictures.draw_heat(next(rows), view, cams[i], CAM_LABEL, highest=1)
    if classifier is not None:
        for axis, name in zip(axes[0], names):
            axis.set_title(name, fontsize=8)
    return figure
