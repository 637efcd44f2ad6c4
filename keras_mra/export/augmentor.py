"""Export of Mask-Reconstruct Augmentation to files that do not need Keras."""

import importlib.util
import math
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_mra import backend
from keras_mra import checks
from keras_mra import files
from keras_mra.export import onnx_file
from keras_mra.export import saved_model
from keras_mra.layers import MaskReconstruct
from keras_mra.typing import Array
from keras_mra.typing import ImageShape
from keras_mra.typing import Path

FORMATS = {"tf_saved_model": saved_model, "onnx": onnx_file}


def export_augmentor(
    layer: MaskReconstruct,
    path: Path,
    format: str = "tf_saved_model",
    image_shape: ImageShape | None = None,
) -> None:
    """Writes an augmentor to a file that returns augmented images.

    The file computes what `layer(images, training=True)` computes, masks included. It
    needs neither this package nor Keras. Its input and output are float32 images of
    shape `(batch, height, width, channels)`, of any batch size, in the `value_range` of
    the autoencoder. Cast integer images before and round them afterwards. The file does
    not check its input.

    - `"tf_saved_model"` can be written on TensorFlow, and on JAX if TensorFlow is
      installed. Its random state starts from that of the layer and advances with each
      call.
    - `"onnx"` can be written on TensorFlow and PyTorch. An ONNX file has no random
      state, so layers with random masks or a random `rate` are refused. So are
      policies of other dtypes than float32 and float16, and more than 1.5 GiB of
      weights. The file takes batches of at least one image.

    The file is read and run once before it is moved to `path`.

    Args:
        layer: `keras_mra.layers.MaskReconstruct`. It is not changed.
        path: File (ONNX) or folder (SavedModel) to write. It must not exist. Missing
            parent folders are made.
        format: `"tf_saved_model"`, with the endpoints `serve` and `serving_default`, or
            `"onnx"`, with the input `images`. ONNX needs
            `pip install 'keras-mra[onnx]'`.
        image_shape: `(height, width, channels)` of the images, or `None` for the shape
            of the autoencoder. Another size needs a layer with `resize=True`.

    Raises:
        ValueError: If an argument is invalid, the backend cannot write the format, or
            the layer is random and the format cannot be.
        ImportError: If a package that the format needs is not installed.
        FileExistsError: If `path` exists.
        OSError: If the file cannot be written. Nothing is left at `path`.
        RuntimeError: If the written file does not run. Nothing is left at `path`.

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
    _check_images_only(layer)
    _check_format(format, layer)
    image_shape = _image_shape(image_shape, layer)
    checks.path("path", path)
    path = pathlib.Path(path)
    if path.exists() or path.is_symlink():
        raise FileExistsError(f"`path` must not exist. Received: path={str(path)!r}")
    model = _Augmentor(layer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.creating(path) as part:
            with backend.portable():
                FORMATS[format].write(model, part, image_shape)
            _check_runs(FORMATS[format].run, part, image_shape, layer.mae.value_range)
    except OSError as error:
        raise OSError(f"`path` {str(path)!r} could not be written: {error}") from error


class _Augmentor(keras.Model):
    """The layer as a model, as Keras' export functions expect."""

    def __init__(self, layer: MaskReconstruct) -> None:
        # Autocasting under a mixed policy would round the pixels.
        super().__init__(autocast=False, name="augmentor")
        self.layer = layer
        self.built = True

    def call(self, images: Array) -> Array:
        return self.layer.call(images, training=True)


def _check_images_only(layer: MaskReconstruct) -> None:
    for name, value in (
        ("protect", layer.protect),
        ("return_visible", layer.return_visible),
    ):
        if value:
            raise ValueError(
                "`layer` must turn images into images: the file takes no annotations "
                f"and returns no masks. Received: a layer with {name}={value!r}"
            )


def _check_format(format: str, layer: MaskReconstruct) -> None:
    checks.choice("format", format, FORMATS)
    name = keras.backend.backend()
    writer = FORMATS[format]
    if name not in writer.BACKENDS:
        possible = [repr(f) for f, w in FORMATS.items() if name in w.BACKENDS]
        raise ValueError(
            f"`format` must be {' or '.join(possible)} on the {name} backend. "
            f"Received: format={format!r}, which needs one of {writer.BACKENDS}. Save "
            "the autoencoder with `mae.save_to_preset` and export it in a process with "
            "that KERAS_BACKEND."
        )
    if format == "onnx":
        _check_deterministic(layer)
        _check_onnx(layer)
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


def _check_deterministic(layer: MaskReconstruct) -> None:
    for argument, is_random in (
        ("rate", 0 < layer.rate < 1),
        ("strategy", layer.strategy == "random"),
        ("temperature", layer.strategy != "random" and layer.temperature > 0),
    ):
        if is_random:
            raise ValueError(
                "`layer` must have `rate` 0 or 1, a `strategy` other than 'random' and "
                "`temperature` 0, because an ONNX file has no random state and would "
                "repeat the same masks. Received: "
                f"{argument}={getattr(layer, argument)!r}"
            )


def _check_onnx(layer: MaskReconstruct) -> None:
    """Refuses layers that an ONNX file cannot hold."""
    mae = layer.mae
    if mae.compute_dtype not in ("float32", "float16"):
        raise ValueError(
            "`layer` must compute in float32 or float16 for an ONNX file. Received: an "
            f"autoencoder of the policy {mae.dtype_policy.name!r}. "
            "`MAE.from_preset(..., dtype='float32')` loads it for float32."
        )
    size = sum(4 * math.prod(weight.shape) for weight in layer.weights)
    if size > onnx_file.LARGEST:
        raise ValueError(
            f"`layer` must have at most {onnx_file.LARGEST:,} bytes of weights, which "
            f"fit one ONNX file. Received: {size:,} bytes"
        )


def _image_shape(image_shape: ImageShape | None, layer: MaskReconstruct) -> ImageShape:
    own: ImageShape = layer.mae.image_shape
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


def _check_runs(
    run: Callable[[pathlib.Path, np.ndarray[Any, Any]], np.ndarray[Any, Any]],
    path: pathlib.Path,
    image_shape: ImageShape,
    value_range: tuple[float, float],
) -> None:
    """Refuses a file that its reader cannot run: exporters write such files silently.

    Args:
        run: Function of the path and a batch of images that returns their outputs.
        path: The written file or folder.
        image_shape: `(height, width, channels)`.
        value_range: Pair of floats, lowest and highest pixel.
    """
    # No exporter has traced this batch size.
    low, high = value_range
    batch = np.random.default_rng(0).uniform(low, high, (3, *image_shape))
    batch = batch.astype("float32")
    try:
        augmented = run(path, batch)
    except Exception as error:
        raise RuntimeError(
            "The exported augmentor does not run and was removed. The versions of the "
            "packages that wrote and read it may be incompatible, or an "
            "`attention_model` computes in a dtype that the reader lacks, such as "
            f"bfloat16: {error}"
        ) from error
    if augmented.shape != batch.shape or not np.isfinite(augmented).all():
        raise RuntimeError(
            "The exported augmentor does not return finite images of the input's shape "
            f"{batch.shape} and was removed. Received: shape {augmented.shape}"
        )
