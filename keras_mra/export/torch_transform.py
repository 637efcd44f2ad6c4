"""Mask-Reconstruct Augmentation as a transform of PyTorch's data sets."""

import importlib.util
import os
from typing import Any

import keras
import numpy as np

from keras_mra.export.protected_targets import protected_targets
from keras_mra.export.to_pixels import to_pixels
from keras_mra.layers import MaskReconstruct


class TorchTransform:
    """A `MaskReconstruct` as a transform of torchvision's and Albumentations' form.

    It returns images of the type, dtype, layout and mode that it was given. The dtype
    tells the range of the pixels: 0 to 255 for uint8, 0 to 1 for floats. Place it after
    the crop and the flip, and before the normalisation.

    Nothing moves, so boxes, masks and labels are returned as they are: the same
    objects. Those that the layer has to `protect` are read, for one image at a time.

    The random choices are drawn from PyTorch's generator, as torchvision's are, and not
    from the `seed` of the layer. `torch.manual_seed` makes them repeatable. A
    `DataLoader` seeds each of its workers anew in each epoch, so every sample gets
    masks of its own. Workers that are forked need the PyTorch backend and an
    autoencoder on the CPU. Otherwise, start them with
    `multiprocessing_context="spawn"`; the transform can be pickled.

    Args:
        layer: `keras_mra.layers.MaskReconstruct` without `return_visible`.

    Call arguments:
        *inputs: An image, and any further values, which are returned unchanged. An
            image is a PIL image, whose alpha channel is kept; a tensor `(channels,
            height, width)` or a batch of them; or a NumPy array `(height, width,
            channels)`, `(height, width)` for grey, or a batch of them. With `protect`,
            the further values hold the annotation: dicts with `boxes`, `bboxes`,
            `masks` or `mask`, or the mask itself.
        **entries: `image` and further entries, in place of `inputs`, as Albumentations
            passes them.

    Returns:
        The augmented image; a tuple, if there were further inputs; a dict, if there
        were `entries`.

    Raises:
        ValueError: If the layer or an input is invalid.
        ImportError: If PyTorch is not installed.
        RuntimeError: In a forked worker in which the layer cannot run.

    Example:

    ```python
    import torch

    layer = keras_mra.layers.MaskReconstruct(mae, temperature=1.0, rate=0.5)
    transform = keras_mra.TorchTransform(layer)
    image = torch.from_numpy(images[0]).permute(2, 0, 1)  # (channels, height, width)
    view, label = transform(image, 3)
    sample = transform(image=images[0], label=3)  # {"image": ..., "label": 3}
    ```
    """

    def __init__(self, layer: MaskReconstruct) -> None:
        if not isinstance(layer, MaskReconstruct) or layer.return_visible:
            raise ValueError(
                "`layer` must be a `keras_mra.layers.MaskReconstruct` without "
                f"`return_visible`. Received: layer={layer!r} (of type "
                f"{type(layer).__name__})"
            )
        if importlib.util.find_spec("torch") is None:
            raise ImportError("`TorchTransform` needs PyTorch: pip install torch")
        self.layer = layer
        self._process = os.getpid()

    def __call__(self, *inputs: Any, **entries: Any) -> Any:
        if inputs and entries:
            raise ValueError(
                "`image` must be given with all other values by position, or with all "
                f"by name. Received: {len(inputs)} values, and {sorted(entries)}"
            )
        if entries:
            if "image" not in entries:
                raise ValueError(
                    f"`image` must be given. Received: entries {sorted(entries)}"
                )
            return {**entries, "image": self._augment(entries["image"], [entries])}
        if not inputs:
            raise ValueError("`image` must be given. Received: nothing")
        image, *others = inputs
        augmented = self._augment(image, others)
        return (augmented, *others) if others else augmented

    def __getstate__(self) -> dict[str, Any]:
        return {"layer": self.layer}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["layer"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"TorchTransform({self.layer!r})"

    def _augment(self, image: Any, others: list[Any]) -> Any:
        self._check_process()
        pixels, restore = to_pixels(image, self.layer.mae)
        inputs = {
            "images": pixels,
            **protected_targets(self.layer.protect, others, pixels.shape),
        }
        augmented = self.layer.random_map(inputs, _generator())["images"]
        return restore(augmented)

    def _check_process(self) -> None:
        """Refuses to run in a forked process that would hang or crash."""
        if os.getpid() == self._process:
            return
        name = keras.backend.backend()
        if name == "torch":
            if self.layer.mae.weights[0].value.device.type == "cpu":
                return
            name = "CUDA"
        raise RuntimeError(
            f"A worker of a `DataLoader` must not be forked, because {name} does not "
            'work in forked processes. Pass `multiprocessing_context="spawn"` or '
            "`num_workers=0` to the `DataLoader`. With the PyTorch backend on the CPU, "
            "workers can be forked."
        )


def _generator() -> np.random.Generator:
    """Random numbers that follow from the state of PyTorch's generator."""
    import torch

    seed = torch.randint(2**63 - 1, (), dtype=torch.int64, device="cpu")
    return np.random.default_rng(int(seed))
