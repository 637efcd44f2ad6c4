"""An augmentor as one ONNX file."""

import keras
import numpy as np

BACKENDS = ("tensorflow", "torch")
PACKAGES = {
    "tensorflow": ("onnx", "onnxruntime", "tf2onnx"),
    "torch": ("onnx", "onnxruntime", "onnxscript"),
}


def write(model, path, image_shape):
    """Writes the file.

    Args:
        model: `keras.Model` from float32 images to images.
        path: `pathlib.Path` of the file.
        image_shape: `(height, width, channels)`.
    """
    if keras.backend.backend() == "torch":
        _write_from_torch(model, path, image_shape)
        return
    images = keras.InputSpec(shape=(None, *image_shape), dtype="float32", name="images")
    model.export(str(path), format="onnx", input_signature=[images], verbose=False)


def _write_from_torch(model, path, image_shape):
    """Keras' own way traces one batch size; this one keeps it open."""
    import torch

    images = keras.ops.zeros((2, *image_shape), "float32")
    with torch.no_grad():
        program = torch.onnx.export(
            model,
            (images,),
            dynamo=True,
            input_names=["images"],
            output_names=["augmented"],
            # Nested as in `__call__(*args)`.
            dynamic_shapes=(({0: torch.export.Dim("batch")},),),
            custom_translation_table=_torch_translations(),
            verbose=False,
        )
    program.save(str(path))


def _torch_translations():
    """What the exporter of PyTorch 2.13 lacks, or gets wrong."""
    import torch
    from onnxscript import opset18 as op

    def stable_sort(x, stable=None, dim=-1, descending=False):
        # TopK, too, puts the first of equal values first.
        size = op.Gather(op.Shape(x), [dim], axis=0)
        return op.TopK(x, size, axis=dim, largest=descending)

    def squeeze(x, dim):
        # ONNX refuses to drop an axis that is longer than 1, PyTorch lets it be.
        return op.Squeeze(x, [dim]) if x.shape[dim] == 1 else op.Identity(x)

    return {
        torch.ops.aten.sort.stable: stable_sort,
        torch.ops.aten.squeeze.dim: squeeze,
    }


def run(path, images):
    """What the file makes of a NumPy batch, in onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    return np.asarray(session.run(None, {session.get_inputs()[0].name: images})[0])
