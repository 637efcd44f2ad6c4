"""Grad-CAM (arXiv 1610.02391): maps of the evidence for a class in an image."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra import checks
from keras_mra.pixels import resize
from keras_mra.typing import Array
from keras_mra.visualization.watched_model import WatchedModel
from keras_mra.visualization.watched_model import find_layer


def grad_cam_maps(
    model: keras.Model,
    images: Array,
    classes: int | Array | None = None,
    layer: str | keras.layers.Layer | None = None,
) -> NDArray[np.float32]:
    """Computes Grad-CAM: maps of the evidence for a class in each image.

    The channels of a layer's feature map are weighted by the mean gradient of the
    class's score and summed. Negative values become zero. The result is resized
    bilinearly to the size of the image and divided by its maximum.

    As in the paper, the score is the one before the softmax. If the layer that returns
    the model's output has a softmax or sigmoid activation, the activation is left out
    while the score is computed. The gradient of the probability itself would vanish
    where the model is certain, and would mix in the other classes. Augmentation inside
    the model is off.

    Args:
        model: Keras model with one input of images and one output of shape
            `(batch, classes)`: logits, or the activation of a layer.
        images: Array of shape `(batch, height, width, channels)`, as the model expects
            them.
        classes: Int, a class for all images; integers of shape `(batch,)`; or `None`
            for the class that the model predicts.
        layer: Name of a layer or the layer itself, in the model or in a model inside
            it, whose output has shape `(batch, rows, columns, channels)`. `None` means
            the last such layer that has weights or comes after a layer with weights; a
            model inside the model that returns such an output counts as one layer. If
            the head flattens the last feature map, an earlier layer shows more, because
            the mean gradient over few places can be zero or negative everywhere.

    Returns:
        Float32 array of shape `(batch, height, width)`, from 0 to 1. The largest value
        of each image is 1, or all are 0 if there is no evidence for the class.

    Raises:
        ValueError: If an argument is bad, if the layer does not exist or is used
            several times, or if the model's output has passed a softmax that is not the
            activation of a layer, so that the score cannot be read.

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
        layer: The Keras layer whose feature map was used.
    """

    maps: NDArray[np.float32]
    classes: NDArray[np.integer[Any]]
    num_classes: int
    layer: keras.layers.Layer


def explain(
    model: keras.Model,
    images: Array,
    classes: int | Array | None = None,
    layer: str | keras.layers.Layer | None = None,
) -> Explained:
    """Computes what `grad_cam_maps` does, and returns the chosen classes and layer.

    Args:
        model: As in `grad_cam_maps`.
        images: As in `grad_cam_maps`.
        classes: As in `grad_cam_maps`.
        layer: As in `grad_cam_maps`.
    """
    check_classifier("model", model)
    images = checks.numpy_array("images", images)
    checks.image_batch(images, (None, None, None))
    watched = WatchedModel(model, find_layer(model, layer))
    features, outputs = backend.compiled(model, watched.forward)(images)
    features = ops.convert_to_numpy(ops.cast(features, "float32"))  # (B, h, w, C)
    outputs = ops.convert_to_numpy(ops.cast(outputs, "float32"))  # (B, classes)
    if watched.head is None:
        _check_logits(outputs)
    chosen = _chosen_classes(classes, outputs)
    one_hot = np.eye(outputs.shape[1], dtype="float32")[chosen]
    area = features.shape[1] * features.shape[2]

    def gradient(images: Array, offset: Array, one_hot: Array) -> Array:
        def score(offset: Array) -> Array:
            scores = ops.cast(watched.scores(images, offset), "float32")
            # The factor keeps the gradient of a mean above half precision's smallest
            # numbers.
            return area * ops.sum(scores * one_hot)

        return backend.value_and_gradient(score, offset)[1]

    run = backend.compiled(model, gradient)
    slopes = ops.convert_to_numpy(run(images, np.zeros_like(features), one_hot))
    weights = slopes.mean(axis=(1, 2), keepdims=True)  # (B, 1, 1, C)
    maps = np.maximum((weights * features).sum(axis=-1, keepdims=True), 0)
    maps = ops.convert_to_numpy(resize(maps, images.shape[1:3]))[..., 0]  # (B, H, W)
    peaks = maps.max(axis=(1, 2), keepdims=True)
    maps = maps / np.where(peaks > 0, peaks, 1)
    return Explained(maps, chosen, outputs.shape[1], watched.layer)


def check_classifier(name: str, model: Any) -> None:
    """Refuses anything but a Keras model that has been built.

    Args:
        name: Name of the argument in the message.
        model: What the caller passed.
    """
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(
            f"`{name}` must be a Keras model that has been built. "
            f"Received: {name}={model!r} (of type {type(model).__name__})"
        )


def _chosen_classes(
    classes: int | Array | None, outputs: NDArray[Any]
) -> NDArray[np.integer[Any]]:
    """A class for each image: the predicted one if `classes` is `None`."""
    count, num_classes = outputs.shape
    given = outputs.argmax(axis=1) if classes is None else classes
    chosen = checks.numpy_array("classes", given)
    is_integer = np.issubdtype(chosen.dtype, np.integer)
    if not is_integer or chosen.shape not in [(), (count,)]:
        raise ValueError(
            "`classes` must be an integer, integers of shape (batch,), or None. "
            f"Received: classes={classes!r} for {count} images"
        )
    if chosen.min() < 0 or chosen.max() >= num_classes:
        raise ValueError(
            f"`classes` must be from 0 to {num_classes - 1}, for the model's "
            f"{num_classes} classes. Received: classes={classes!r}"
        )
    return np.broadcast_to(chosen, (count,))


def _check_logits(outputs: NDArray[Any]) -> None:
    """Refuses probabilities, whose softmax cannot be left out."""
    sums = outputs.sum(axis=1)
    if (
        outputs.shape[1] > 1
        and (outputs >= 0).all()
        and np.allclose(sums, 1, atol=1e-2)
    ):
        raise ValueError(
            "`model` must return logits or the activation of a layer, because Grad-CAM "
            "needs the score before the softmax. Received: a model that returns "
            "probabilities, but has no layer whose activation is the softmax"
        )
