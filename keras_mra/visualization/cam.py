"""Grad-CAM: which places of an image speak for a class (arXiv 1610.02391)."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.pixels import resize
from keras_mra.visualization import pictures
from keras_mra.visualization.watching import WatchedModel
from keras_mra.visualization.watching import find_layer

CAM_LABEL = "evidence for the class\n(1 = image's largest)"


def grad_cam(
    model, images, classes=None, layer=None, value_range=(0, 255), class_names=None
):
    """Draws the Grad-CAM of a classifier over the images.

    Args:
        model: Keras model from images to classes, as in `grad_cam_maps`.
        images: Array of shape `(batch, height, width, channels)`, in `value_range`, as
            the model wants them; one column each.
        classes: As in `grad_cam_maps`.
        layer: As in `grad_cam_maps`.
        value_range: Pair of floats, `(low, high)`, the range of the images.
        class_names: Sequence of strings, one per class, or `None` for their numbers.

    Returns:
        A matplotlib figure. Rows: the images, each under the class that it is
        explained for; the Grad-CAM laid over them.

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
    images = pictures.checked_images(images, (None, None, None), value_range)
    seen = explain(model, images, classes, layer)
    names = class_titles(seen, class_names)
    drawn = pictures.drawable(images, value_range)
    figure, axes = pictures.picture_grid(
        f'Grad-CAM at layer "{seen.layer.name}"',
        ["original", "Grad-CAM"],
        len(images),
        images.shape[1:3],
    )
    pictures.draw(axes[0], drawn)
    pictures.draw_heat(axes[1], drawn, seen.maps, CAM_LABEL, highest=1)
    for axis, name in zip(axes[0], names):
        axis.set_title(name, fontsize=8)
    return figure


def grad_cam_maps(model, images, classes=None, layer=None):
    """Computes Grad-CAM: which places of an image speak for a class.

    The channels of a layer's feature map are weighted by the mean gradient of the
    class's score and summed; what is negative is cut off, the rest enlarged
    bilinearly to the size of the image and divided by its maximum.

    The score is the paper's, before the softmax: while it is computed, the activation
    of the layer that gives the model's output is left out if it is a softmax or a
    sigmoid. The gradient of the probability itself would vanish where the model is
    sure, and mix in the other classes. Augmentation inside the model is off.

    Args:
        model: Keras model, one input of images and one output of shape
            `(batch, classes)`: logits or the activation of a layer.
        images: Array of shape `(batch, height, width, channels)`, as the model wants
            them.
        classes: Int, a class for all images; integers of shape `(batch,)`; or `None`
            for the class that the model predicts.
        layer: Name of a layer or the layer itself, in the model or in a model inside
            it, whose output has shape `(batch, rows, columns, channels)`. `None` for
            the last such layer that has weights or comes after one that does; a model
            inside the model that returns such an output counts as one layer. Where
            the head flattens the last map, an earlier layer shows more: the mean
            gradient of few places can speak for nothing at all.

    Returns:
        Float32 array of shape `(batch, height, width)`, from 0 to 1, each image's
        largest value 1; all 0 where nothing speaks for the class.

    Raises:
        ValueError: If an argument is bad, there is no such layer, it is used several
            times, or the model's output has been through a softmax that is not the
            activation of a layer, so that the score is not to be had.

    Example:

    ```python
    maps = keras_mra.visualization.grad_cam_maps(model, images[:8], classes=3)
    ```
    """
    return explain(model, images, classes, layer).maps


@dataclasses.dataclass(frozen=True)
class Explained:
    """Grad-CAM of some images.

    Attributes:
        maps: Float32 array of shape `(batch, height, width)`.
        classes: Int array of shape `(batch,)`, the class of each map.
        num_classes: Int.
        layer: The Keras layer that was asked.
    """

    maps: np.ndarray
    classes: np.ndarray
    num_classes: int
    layer: keras.layers.Layer


def explain(model, images, classes=None, layer=None):
    """What `grad_cam_maps` does, with the classes and the layer that were chosen.

    Args:
        As in `grad_cam_maps`.

    Returns:
        `Explained`.
    """
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(
            "`model` must be a Keras model that has been built. "
            f"Received: model={model!r} (of type {type(model).__name__})"
        )
    if not isinstance(images, np.ndarray):
        images = ops.convert_to_numpy(images)
    checks.image_batch(images, (None, None, None))
    watched = WatchedModel(model, find_layer(model, layer))
    features, outputs = backend.compiled(model, watched.forward)(images)
    features = ops.convert_to_numpy(ops.cast(features, "float32"))  # (B, h, w, C)
    outputs = ops.convert_to_numpy(ops.cast(outputs, "float32"))  # (B, classes)
    if watched.head is None:
        _check_logits(outputs)
    classes = _chosen_classes(classes, outputs)
    one_hot = np.eye(outputs.shape[1], dtype="float32")[classes]
    area = features.shape[1] * features.shape[2]

    def gradient(images, offset, one_hot):
        def score(offset):
            scores = ops.cast(watched.scores(images, offset), "float32")
            # Times the area, so that half precision does not lose a mean's gradient.
            return area * ops.sum(scores * one_hot)

        return backend.value_and_gradient(score, offset)[1]

    gradient = backend.compiled(model, gradient)
    slopes = ops.convert_to_numpy(gradient(images, np.zeros_like(features), one_hot))
    weights = slopes.mean(axis=(1, 2), keepdims=True)  # (B, 1, 1, C)
    maps = np.maximum((weights * features).sum(axis=-1, keepdims=True), 0)
    maps = ops.convert_to_numpy(resize(maps, images.shape[1:3]))[..., 0]  # (B, H, W)
    peaks = maps.max(axis=(1, 2), keepdims=True)
    maps = maps / np.where(peaks > 0, peaks, 1)
    return Explained(maps, classes, outputs.shape[1], watched.layer)


def class_titles(seen, class_names=None):
    """The names of the classes that some images are explained for.

    Args:
        seen: `Explained`.
        class_names: Sequence of strings, or `None` for "class 3".

    Raises:
        ValueError: If there is not a name for each class.
    """
    if class_names is None:
        return [f"class {c}" for c in seen.classes]
    if len(class_names) != seen.num_classes:
        raise ValueError(
            f"`class_names` must name each of the model's {seen.num_classes} classes. "
            f"Received: {len(class_names)} names"
        )
    return [str(class_names[c]) for c in seen.classes]


def _chosen_classes(classes, outputs):
    """A class for each image, as an int array: the predicted one unless given."""
    count, num_classes = outputs.shape
    if classes is None:
        return outputs.argmax(axis=1)
    chosen = np.asarray(classes)
    is_integer = np.issubdtype(chosen.dtype, np.integer)
    if not is_integer or chosen.shape not in [(), (count,)]:
        raise ValueError(
            "`classes` must be an integer, integers of shape (batch,), or None. "
            f"Received: classes={classes!r} for {count} images"
        )
    if chosen.min() < 0 or chosen.max() >= num_classes:
        raise ValueError(
            f"`classes` must be from 0 to {num_classes - 1}, of the model's "
            f"{num_classes} classes. Received: classes={classes!r}"
        )
    return np.broadcast_to(chosen, (count,))


def _check_logits(outputs):
    """Refuses probabilities whose softmax could not be left out."""
    sums = outputs.sum(axis=1)
    if (
        outputs.shape[1] > 1
        and (outputs >= 0).all()
        and np.allclose(sums, 1, atol=1e-2)
    ):
        raise ValueError(
            "`model` must return logits, or the activation of a layer: Grad-CAM needs "
            "the score before the softmax. Received: a model that returns "
            "probabilities, of which no layer is the softmax"
        )
