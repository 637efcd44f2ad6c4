"""Files of PyTorch, read without running the code that a pickle can hold."""

import dataclasses
import pathlib
import pickle
import re
import zipfile
from typing import Any

import numpy as np

# The class or function that PyTorch's message names.
REFUSED = re.compile(r"GLOBAL (\S+)")


@dataclasses.dataclass(frozen=True)
class TorchFile:
    """The tensors of a `.pth` or `.bin` file, whose values have not been read.

    Attributes:
        tensors: Dict from names to tensors of PyTorch.
    """

    tensors: dict[str, Any]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor."""
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}

    def other_kinds(self) -> dict[str, str]:
        """The tensors that are not dense floats on the CPU, with what they are."""
        import torch

        return {
            name: f"{tensor.dtype}, {tensor.layout}, on {tensor.device}"
            for name, tensor in self.tensors.items()
            if not tensor.is_floating_point()
            or tensor.layout != torch.strided
            or tensor.device.type != "cpu"
        }

    def read(self, name: str) -> np.ndarray[Any, Any]:
        """Reads one tensor as a float32 array."""
        array: np.ndarray[Any, Any] = self.tensors[name].detach().float().numpy()
        return array


def open_torch_file(path: pathlib.Path) -> TorchFile:
    """Opens a file that `torch.save` wrote.

    The tensors are those of its `model` or `state_dict` entry, if it has one. Only
    plain tensors are unpickled.

    Args:
        path: The file.

    Raises:
        ValueError: If the file is damaged, or holds other objects than tensors.
        ImportError: If PyTorch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"{str(path)!r} is a file of PyTorch. Install PyTorch to read it, or save "
            "its tensors as a .safetensors file."
        ) from error
    _check_zip(path)
    try:
        # The file is mapped: sizes are known before memory is used.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        refused = REFUSED.search(str(error))
        received = (
            f"an object that needs {refused[1]!r}"
            if refused
            else "other objects, or damaged tensors"
        )
        # PyTorch's message tells how to load the file unsafely, so it is left out.
        raise ValueError(
            f"{str(path)!r} must hold nothing more than tensors. Received: {received}. "
            "The file was not read, because unpickling other objects can run code. "
            "Save its state dict alone, as a .safetensors file."
        ) from None
    except Exception as error:  # Damage can stop the reader at any point.
        first_line = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"{str(path)!r} is not a whole file of PyTorch: {first_line}"
        ) from error
    for key in ("model", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content:
        kind = "an empty dict" if content == {} else f"a {type(content).__name__}"
        raise ValueError(f"{str(path)!r} must hold a dict of tensors. Received: {kind}")
    others = [
        name
        for name, value in content.items()
        if not isinstance(name, str) or not isinstance(value, torch.Tensor)
    ]
    if others:
        raise ValueError(
            f"{str(path)!r} must hold a dict of tensors. Received: other values under "
            f"{others[:3]}"
        )
    return TorchFile(content)


def _check_zip(path: pathlib.Path) -> None:
    """Refuses a file that is not an uncompressed zip, the form that PyTorch writes."""
    try:
        with zipfile.ZipFile(path) as file:
            unpacked = sum(entry.file_size for entry in file.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ValueError(
            f"{str(path)!r} is not a whole file of PyTorch ({error}). A file that is "
            "older than PyTorch 1.6 must be saved again: "
            "`torch.save(torch.load(path, weights_only=True), path)`."
        ) from error
    if unpacked > path.stat().st_size:
        raise ValueError(
            f"{str(path)!r} is not a file of PyTorch, which does not compress: it "
            f"unpacks to {unpacked:,} bytes from {path.stat().st_size:,}."
        )
