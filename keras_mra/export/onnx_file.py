"""Augmentors as ONNX files."""

import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_mra.typing import ImageShape

BACKENDS = ("tensorflow", "torch")
PACKAGES: dict[str, tuple[str, ...]] = {
    "tensorflow": ("onnx", "onnxruntime", "tf2onnx"),
    "torch": ("onnx", "onnxruntime", "onnxscript"),
}
# PyTorch writes more bytes of weights to a second file.
LARGEST = 1536 * 2**20


def write(model: keras.Model, path: pathlib.Path, image_shape: ImageShape) -> None:
    """Writes a model to an ONNX file.

    Args:
        model: `keras.Model` from float32 images to images of the same shape.
        path: Path of the file.
        image_shape: `(height, width, channels)`.
    """
    if keras.backend.backend() == "torch":
        _write_from_torch(model, path, image_shape)
        return
    images = keras.InputSpec(shape=(None, *image_shape), dtype="float32", name="images")
    model.export(str(path), format="onnx", input_signature=[images], verbose=False)


def run(path: pathlib.Path, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Runs the file on a batch of float32 images, in onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    return np.asarray(session.run(None, {session.get_inputs()[0].name: images})[0])


def _write_from_torch(
    model: keras.Model, path: pathlib.Path, image_shape: ImageShape
) -> None:
    """Writes a file for any batch size, where Keras' `export` fixes the batch size."""
    import torch

    images = keras.ops.zeros((2, *image_shape), "float32")
    with torch.no_grad():
        program = torch.onnx.export(
            model,
            (images,),
            dynamo=True,
            input_names=["images"],
            output_names=["augmented"],
            # Nested as the arguments of `__call__(*args)` are.
            dynamic_shapes=(({0: torch.export.Dim("batch")},),),
            custom_translation_table=_torch_translations(),
            verbose=False,
        )
    program.save(str(path))


def _torch_translations() -> dict[Any, Callable[..., Any]]:
    """Returns operations that PyTorch 2.13 does not export, or exports wrong."""
    import torch
    from onnxscript import opset18 as op

    # The exporter reads annotations as types of ONNX, so these functions have none.
    def stable_sort(x, stable=None, dim=-1, descending=False):  # type: ignore[no-untyped-def]
        # TopK puts the first of equal values first, as a stable sort does.
        size = op.Gather(op.Shape(x), [dim], axis=0)
        return op.TopK(x, size, axis=dim, largest=descending)

    def squeeze(x, dim):  # type: ignore[no-untyped-def]
        # PyTorch keeps an axis longer than 1; ONNX refuses to drop it.
        return op.Squeeze(x, [dim]) if x.shape[dim] == 1 else op.Identity(x)

    return {
        torch.ops.aten.sort.stable: stable_sort,
        torch.ops.aten.squeeze.dim: squeeze,
    }
