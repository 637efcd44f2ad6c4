"""Augmentors as TensorFlow SavedModels."""

import pathlib
from typing import Any

import keras
import numpy as np

from keras_mra.typing import ImageShape

BACKENDS = ("tensorflow", "jax")
PACKAGES: dict[str, tuple[str, ...]] = {"tensorflow": (), "jax": ("tensorflow",)}


def write(model: keras.Model, path: pathlib.Path, image_shape: ImageShape) -> None:
    """Writes a model to a SavedModel, with the endpoint `serve`.

    Args:
        model: `keras.Model` from float32 images to images of the same shape.
        path: Path of the folder.
        image_shape: `(height, width, channels)`.

    Raises:
        OSError: If TensorFlow cannot write the folder.
    """
    import tensorflow as tf

    images = keras.InputSpec(shape=(None, *image_shape), dtype="float32", name="images")
    options = {}
    if keras.backend.backend() == "jax":
        # The file also runs on devices that this machine may not have.
        options["jax2tf_kwargs"] = {
            "native_serialization_platforms": ("cpu", "cuda", "tpu")
        }
    try:
        model.export(
            str(path),
            format="tf_saved_model",
            input_signature=[images],
            verbose=False,
            **options,
        )
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def run(path: pathlib.Path, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Runs the SavedModel on a batch of float32 images, in TensorFlow."""
    import tensorflow as tf

    # `serve` does not keep its variables alive; the loaded object does.
    loaded = tf.saved_model.load(str(path))
    return np.asarray(loaded.serve(images))
