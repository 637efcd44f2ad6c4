"""Files of tensors: what is in them is known before any of it is read.

Nothing is ever unpickled but plain tensors.
"""

import dataclasses
import json
import math
import pathlib
import zipfile
from collections.abc import Callable

import numpy as np

# The largest MAE that was published, ViT-H/14 with its decoder, has 0.7e9 parameters.
MOST_VALUES = 4 * 10**9
FLOATS = ("F64", "F32", "F16", "BF16")


@dataclasses.dataclass(frozen=True)
class Tensors:
    """The tensors of a file, read one by one.

    Attributes:
        path: `pathlib.Path`, for messages.
        shapes: Dict from names to shapes.
        read: Function of a name, to a float32 NumPy array.
    """

    path: object
    shapes: dict
    read: Callable

    def renamed(self, names):
        """The same tensors under other names: a dict from new names to old."""
        lost = sorted(set(self.shapes) - set(names.values()))
        if lost:
            raise ValueError(f"{str(self.path)!r} has two tensors for one: {lost[:4]}")
        return Tensors(
            self.path,
            {new: self.shapes[old] for new, old in names.items()},
            lambda new: self.read(names[new]),
        )


def open_safetensors(path):
    """Opens a `.safetensors` file.

    Raises:
        ValueError: If it is truncated or damaged.
        ImportError: If `safetensors` is not installed.
    """
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            f"{str(path)!r} needs safetensors: pip install 'keras-mra[hub]'"
        ) from error
    try:
        # The library compares what the header declares with the size of the file.
        file = safetensors.safe_open(path, framework="numpy")
        slices = {name: file.get_slice(name) for name in file.keys()}
        shapes = {name: tuple(slices[name].get_shape()) for name in slices}
        dtypes = {name: slices[name].get_dtype() for name in slices}
    except (safetensors.SafetensorError, ValueError, TypeError) as error:
        raise ValueError(
            f"{str(path)!r} is no whole .safetensors file: {error}"
        ) from error
    _check_size(path, shapes)
    _check_floats(path, {n: d for n, d in dtypes.items() if d not in FLOATS})
    # NumPy knows bfloat16 because Keras imports `ml_dtypes`.
    return Tensors(
        path, shapes, lambda name: np.asarray(file.get_tensor(name), "float32")
    )


def open_shards(path):
    """Opens the `.safetensors` files that a `model.safetensors.index.json` names.

    Raises:
        ValueError: If the index is damaged, or names files that are not beside it.
        ImportError: If `safetensors` is not installed.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
    names = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(names, dict) or not names:
        raise ValueError(
            f"{str(path)!r} must be an index of .safetensors files, a JSON object with "
            f"a 'weight_map'. Received: {type(content).__name__}, "
            f"'weight_map' {names!r}"
        )
    owner: dict[str, Tensors] = {}
    for name in dict.fromkeys(str(name) for name in names.values()):
        # Nothing outside the folder is ever opened.
        if pathlib.PurePath(name).name != name:
            raise ValueError(
                f"{str(path)!r} must name files beside it. Received: {name!r}"
            )
        if not (path.parent / name).is_file():
            raise ValueError(f"{str(path)!r} names {name!r}, which is missing.")
        part = open_safetensors(path.parent / name)
        twice = sorted(set(part.shapes) & set(owner))
        if twice:
            raise ValueError(f"{str(path)!r} has two tensors of a name: {twice[:4]}")
        owner |= dict.fromkeys(part.shapes, part)
    return Tensors(
        path,
        {name: part.shapes[name] for name, part in owner.items()},
        lambda name: owner[name].read(name),
    )


def open_torch(path):
    """Opens a `.pth` or `.bin` file of PyTorch, plain tensors only.

    The tensors are those of its `model` or `state_dict` entry, if it has one.

    Raises:
        ValueError: If it is damaged, or holds other objects than tensors, which only
            an unpickler could read.
        ImportError: If PyTorch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"{str(path)!r} needs PyTorch to be read. Or save it as .safetensors."
        ) from error
    import pickle

    _check_zip(path)
    try:
        # Mapped, not read: sizes are known before memory is taken.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{str(path)!r} holds more than tensors, which would run code of its own "
            "when it is read; it was not. Save its state dict alone, as .safetensors: "
            f"{_first_line(error)}"
        ) from error
    except Exception as error:  # damage can make the reader stumble anywhere
        raise ValueError(
            f"{str(path)!r} is no whole file of PyTorch: {_first_line(error)}"
        ) from error
    for key in ("model", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    strangers = [
        name
        for name, value in (content.items() if isinstance(content, dict) else [])
        if not isinstance(name, str) or not isinstance(value, torch.Tensor)
    ]
    if not isinstance(content, dict) or not content or strangers:
        raise ValueError(
            f"{str(path)!r} must hold a dict of tensors. Received: "
            + (
                f"other values, {strangers[:3]}"
                if strangers
                else type(content).__name__
            )
        )
    shapes = {name: tuple(tensor.shape) for name, tensor in content.items()}
    _check_size(path, shapes)
    _check_floats(
        path,
        {
            name: f"{tensor.dtype}, {tensor.layout}, on {tensor.device}"
            for name, tensor in content.items()
            if not tensor.is_floating_point()
            or tensor.layout != torch.strided
            or tensor.device.type != "cpu"
        },
    )
    return Tensors(path, shapes, lambda name: content[name].detach().float().numpy())


def _check_zip(path):
    """Refuses what is no zip, as PyTorch writes, or unpacks to more than it is."""
    try:
        with zipfile.ZipFile(path) as file:
            unpacked = sum(entry.file_size for entry in file.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ValueError(
            f"{str(path)!r} is no whole file of PyTorch ({error}). One that is older "
            "than PyTorch 1.6 has to be saved again: "
            "`torch.save(torch.load(path, weights_only=True), path)`."
        ) from error
    if unpacked > path.stat().st_size:
        raise ValueError(
            f"{str(path)!r} is no file of PyTorch: it unpacks to {unpacked:,} bytes "
            f"from {path.stat().st_size:,}, and PyTorch does not compress."
        )


def _check_size(path, shapes):
    """Refuses shapes that the file has no room for: no value takes less than a byte."""
    values = sum(math.prod(shape) for shape in shapes.values())
    limit = min(MOST_VALUES, path.stat().st_size)
    if values > limit:
        raise ValueError(
            f"{str(path)!r} declares {values:,} values. Expected: at most {limit:,}, "
            "from its size and the largest MAE's."
        )


def _check_floats(path, others):
    """Refuses tensors, given by name with what they are, that are no plain floats."""
    for name, kind in others.items():
        raise ValueError(
            f"{str(path)!r} must hold tensors of floats. Received: {name!r} of {kind}"
        )


def _first_line(error):
    return str(error).strip().partition("\n")[0]
