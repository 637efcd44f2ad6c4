"""A figure of the Grad-CAM of a classifier."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras

from keras_mra import checks
from keras_mra.typing import Array
from keras_mra.visualization.drawable import checked_images
from keras_mra.visualization.drawable import drawable
from keras_mra.visualization.grad_cam_maps import Explained
from keras_mra.visualization.grad_cam_maps import explain
from keras_mra.visualization.picture_grid import PictureGrid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAM_LABEL = "evidence for the class\n(1 = image's largest)"


def grad_cam(
    model: keras.Model,
    images: Array,
    classes: int | Array | None = None,
    layer: str | keras.layers.Layer | None = None,
    value_range: tuple[float, float] = (0, 255),
    class_names: Sequence[str] | None = None,
) -> "Figure":
    """Draws the Grad-CAM of a classifier over the images.

    Args:
        model: Keras model from images to classes, as in `grad_cam_maps`.
        images: Array of shape `(batch, height, width, channels)`, in `value_range`, as
            the model expects them; one column each.
        classes: As in `grad_cam_maps`.
        layer: As in `grad_cam_maps`.
        value_range: Pair of floats, `(low, high)`, the range of the images.
        class_names: Sequence of strings, one per class, or `None` for their numbers.

    Returns:
        A matplotlib figure. Its rows are the images, each below the class that the map
        explains, and the Grad-CAM over the images. A class that the model predicts is
        marked as "predicted".

    Raises:
        ValueError: If an argument is bad, as in `grad_cam_maps`.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    figure = keras_mra.visualization.grad_cam(model, images[:8])
    figure.savefig("grad_cam.png")
    ```
    """
    value_range = checks.value_range(value_range)
    images = checked_images(images, (None, None, None), value_range)
    seen = explain(model, images, classes, layer)
    titles = class_titles(seen, class_names, predicted=classes is None)
    drawn = drawable(images, value_range)
    grid = PictureGrid(
        f'Grad-CAM at layer "{seen.layer.name}"',
        ["original", "Grad-CAM"],
        len(images),
        images.shape[1:3],
        titles=titles,
    )
    grid.draw(0, drawn)
    grid.draw_heat(1, drawn, seen.maps, CAM_LABEL, highest=1)
    return grid.figure


def class_titles(
    seen: Explained, class_names: Sequence[str] | None, predicted: bool
) -> list[str]:
    """The names of the classes that the maps explain.

    Args:
        seen: `Explained`.
        class_names: Sequence of strings, or `None` for titles such as "class 3".
        predicted: Bool, whether the model predicted the classes. Their titles begin
            with "predicted: ", because a bare name would pass for the true class.

    Raises:
        ValueError: If there is not one name for each class.
    """
    if class_names is None:
        names = [f"class {c}" for c in seen.classes]
    elif len(checks.names("class_names", class_names)) != seen.num_classes:
        raise ValueError(
            f"`class_names` must name each of the model's {seen.num_classes} classes. "
            f"Received: {len(class_names)} names"
        )
    else:
        names = [str(class_names[c]) for c in seen.classes]
    return [f"predicted: {name}" for name in names] if predicted else names
