"""Mask-Reconstruct Augmentation for those who have no Keras."""

import importlib.util
import os
import pathlib
import shutil
import tempfile

import keras
import numpy as np

from keras_mra import backend
from keras_mra import checks
from keras_mra.export import onnx_file
from keras_mra.export import saved_model
from keras_mra.layers import MaskReconstruct

FORMATS = {"tf_saved_model": saved_model, "onnx": onnx_file}


def export_augmentor(layer, path, format="tf_saved_model", image_shape=None):
    """Writes an augmentor as a file for other stacks: images to augmented images.

    What is written does what `layer(images, training=True)` does, masks included, and
    needs neither this package nor Keras. It takes float32 images in the
    `value_range` of the autoencoder, `(batch, height, width, channels)`, of any batch
    size, and returns the same; cast integers before, and round after. It checks
    nothing.

    - `"tf_saved_model"` is written on TensorFlow, and on JAX if TensorFlow is
      installed. A layer that draws at random goes on from its random state: each call
      draws anew.
    - `"onnx"` is written on TensorFlow and PyTorch. It has no random state: layers
      that draw at random are refused.

    The written file is read back and run before it is moved to `path`.

    Args:
        layer: `keras_mra.layers.MaskReconstruct`. It is not changed.
        path: File (ONNX) or folder (SavedModel) to write, which must not exist yet;
            folders above it are made if missing.
        format: `"tf_saved_model"`, whose endpoint is `serve` (and `serving_default`),
            or `"onnx"`, whose input is `images`, and which needs
            `pip install 'keras-mra[onnx]'`.
        image_shape: `(height, width, channels)` of the images, or `None` for those of
            the autoencoder. Other sizes need a layer with `resize=True`.

    Raises:
        ValueError: If an argument is bad, the backend cannot write the format, or the
            layer draws at random and the format cannot.
        ImportError: If a package that the format needs is not installed.
        FileExistsError: If `path` exists.
        OSError: If it cannot be written; nothing is left at `path`.
        RuntimeError: If what was written does not run.

    Example:

    ```python
    layer = keras_mra.layers.MaskReconstruct(mae, mask_ratio=0.4)
    keras_mra.export_augmentor(layer, "augmentor")
    augmentor = tf.saved_model.load("augmentor")
    augmented = augmentor.serve(images)
    ```
    """
    if not isinstance(layer, MaskReconstruct):
        raise ValueError(
            "`layer` must be a `keras_mra.layers.MaskReconstruct`. "
            f"Received: layer={layer!r} (of type {type(layer).__name__})"
        )
    _check_format(format, layer)
    image_shape = _image_shape(image_shape, layer)
    path = pathlib.Path(path)
    if path.exists() or path.is_symlink():
        raise FileExistsError(
            f"`path` {str(path)!r} exists. Remove it, or choose another."
        )
    model = _Augmentor(layer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = pathlib.Path(tempfile.mkdtemp(prefix="part.", dir=path.parent))
        try:
            part = unfinished / path.name
            with backend.portable():
                FORMATS[format].write(model, part, image_shape)
            _check_runs(FORMATS[format].run, part, image_shape, layer.mae.value_range)
            os.replace(part, path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise OSError(f"`path` {str(path)!r} could not be written: {error}") from error


class _Augmentor(keras.Model):
    """The layer as the model that Keras' own export takes."""

    def __init__(self, layer):
        # A mixed policy must not round pixels on their way in.
        super().__init__(autocast=False, name="augmentor")
        self.layer = layer
        self.built = True

    def call(self, images):
        return self.layer.call(images, training=True)


def _check_format(format, layer):
    if format not in tuple(FORMATS):
        raise ValueError(
            f"`format` must be one of {tuple(FORMATS)}. Received: format={format!r}"
        )
    name = keras.backend.backend()
    writer = FORMATS[format]
    if name not in writer.BACKENDS:
        raise ValueError(
            f"`format={format!r}` is written by the backends {writer.BACKENDS}. "
            f"Received: backend {name!r}. Save the autoencoder with "
            "`mae.save_to_preset` and export it in a process under another "
            f"KERAS_BACKEND; here, `format` may be {_formats_of(name)}."
        )
    if format == "onnx":
        for argument, draws in (
            ("rate", 0 < layer.rate < 1),
            ("strategy", layer.strategy == "random"),
            ("temperature", layer.strategy != "random" and layer.temperature > 0),
        ):
            if draws:
                raise ValueError(
                    "An ONNX file has no random state: it would draw the same masks "
                    "for ever. `layer` must have `rate` 0 or 1, another `strategy` "
                    "than 'random' and `temperature` 0. Received: "
                    f"{argument}={getattr(layer, argument)!r}"
                )
    missing = [
        package
        for package in writer.PACKAGES[name]
        if importlib.util.find_spec(package) is None
    ]
    if missing:
        extra = "onnx" if format == "onnx" else "tensorflow-cpu"
        raise ImportError(
            f"`format={format!r}` needs {', '.join(missing)}: "
            f"pip install 'keras-mra[{extra}]'"
        )


def _formats_of(name):
    return " or ".join(repr(f) for f, w in FORMATS.items() if name in w.BACKENDS)


def _image_shape(image_shape, layer):
    own = layer.mae.image_shape
    if image_shape is None:
        return own
    image_shape = checks.image_shape(image_shape)
    if image_shape[2] != own[2]:
        raise ValueError(
            f"`image_shape` must have {own[2]} channels, as the `mae` has. "
            f"Received: image_shape={image_shape}"
        )
    if image_shape != own and not layer.resize:
        raise ValueError(
            f"`image_shape` must be {own}, that of the `mae`, unless the layer has "
            f"`resize=True`. Received: image_shape={image_shape}"
        )
    return image_shape


def _check_runs(run, path, image_shape, value_range):
    """Refuses what its reader refuses: exporters write such files without a word."""
    # Another batch size than any that was traced.
    low, high = value_range
    batch = np.random.default_rng(0).uniform(low, high, (3, *image_shape))
    batch = batch.astype("float32")
    try:
        augmented = run(path, batch)
    except Exception as error:
        raise RuntimeError(
            "The exported augmentor does not run, and was not kept. The versions of "
            f"the packages that wrote and read it may not fit together: {error}"
        ) from error
    if augmented.shape != batch.shape or not np.isfinite(augmented).all():
        raise RuntimeError(
            "The exported augmentor returned no images, and was not kept. Received: "
            f"shape {augmented.shape} for {batch.shape}"
        )
