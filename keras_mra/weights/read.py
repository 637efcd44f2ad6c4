"""Reads tensors from `.safetensors` files, their shards, and files of PyTorch.

A file is opened without reading its values, so that names and shapes can be checked
first.
"""

import dataclasses
import pathlib
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_mra import files
from keras_mra.weights import verify
from keras_mra.weights.name_table import NumpyArray
from keras_mra.weights.name_table import Shape
from keras_mra.weights.torch_file import TorchFile

# A folder's tensors are in the first of these files that exists.
FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
FLOATS = ("F64", "F32", "F16", "BF16")


@dataclasses.dataclass(frozen=True)
class Tensors:
    """The tensors of a file, which are read one by one.

    Attributes:
        path: Path of the file.
        shapes: Dict from names to shapes.
        read: Function from a name to a float32 NumPy array.
    """

    path: pathlib.Path
    shapes: Mapping[str, Shape]
    read: Callable[[str], NumpyArray]

    def renamed(self, names: Mapping[str, str]) -> "Tensors":
        """Returns the same tensors under other names.

        Args:
            names: Dict from new names to the present ones.

        Raises:
            ValueError: If two tensors get the same name.
        """
        lost = sorted(set(self.shapes) - set(names.values()))
        if lost:
            raise ValueError(
                f"{str(self.path)!r} must have one tensor for each weight. Received: "
                f"two tensors for one weight, among them {lost[:4]}"
            )
        return Tensors(
            self.path,
            {new: self.shapes[old] for new, old in names.items()},
            lambda new: self.read(names[new]),
        )


def open_tensors(path: pathlib.Path) -> Tensors:
    """Opens a file of tensors, or the file of tensors in a folder.

    Args:
        path: A file whose name `is_readable` accepts, or a folder with one of `FILES`.

    Raises:
        ValueError: If the file is damaged, holds something else than tensors of
            floats, or declares more values than it can hold.
        ImportError: If the library that reads the file is not installed.
    """
    if path.is_dir():
        path = _file_in(path)
    opener = _opener(path)
    if opener is None:
        raise ValueError(
            f"{str(path)!r} must be a file named {', '.join('*' + e for e in OPENERS)}."
        )
    return opener(path)


def is_readable(path: pathlib.Path) -> bool:
    """Whether `path` is a file or a folder that `open_tensors` can open."""
    if path.is_dir():
        return any((path / name).is_file() for name in FILES)
    return _opener(path) is not None and path.is_file()


def _open_safetensors(path: pathlib.Path) -> Tensors:
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            f"{str(path)!r} needs safetensors: pip install 'keras-mra[hub]'"
        ) from error
    try:
        # The library compares the header with the size of the file.
        file: Any = safetensors.safe_open(path, framework="numpy")
        slices = {name: file.get_slice(name) for name in file.keys()}
        shapes = {name: tuple(slices[name].get_shape()) for name in slices}
        dtypes = {name: slices[name].get_dtype() for name in slices}
    except (safetensors.SafetensorError, ValueError, TypeError) as error:
        raise ValueError(
            f"{str(path)!r} is not a whole .safetensors file: {error}"
        ) from error
    verify.check_size(path, shapes)
    verify.check_floats(path, {n: d for n, d in dtypes.items() if d not in FLOATS})
    # NumPy knows bfloat16 because Keras imports `ml_dtypes`.
    return Tensors(
        path, shapes, lambda name: np.asarray(file.get_tensor(name), "float32")
    )


def _open_shards(path: pathlib.Path) -> Tensors:
    """Opens the `.safetensors` files that a `model.safetensors.index.json` lists."""
    names = files.read_json(path).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise ValueError(
            f"{str(path)!r} must have a 'weight_map' from tensors to .safetensors "
            f"files. Received: 'weight_map' {names!r}"
        )
    owners: dict[str, Tensors] = {}
    for name in dict.fromkeys(str(name) for name in names.values()):
        # A file outside the folder is never opened.
        if pathlib.PurePath(name).name != name:
            raise ValueError(
                f"{str(path)!r} must list files beside it. Received: {name!r}"
            )
        if not (path.parent / name).is_file():
            raise ValueError(f"{str(path)!r} lists {name!r}, which is missing.")
        shard = _open_safetensors(path.parent / name)
        repeated = sorted(set(shard.shapes) & set(owners))
        if repeated:
            raise ValueError(
                f"The files that {str(path)!r} lists must have different tensors. "
                f"Received: two of the same name, {repeated[:4]}"
            )
        owners |= dict.fromkeys(shard.shapes, shard)
    return Tensors(
        path,
        {name: shard.shapes[name] for name, shard in owners.items()},
        lambda name: owners[name].read(name),
    )


def _open_torch(path: pathlib.Path) -> Tensors:
    file = TorchFile(path)
    verify.check_size(path, file.shapes())
    verify.check_floats(path, file.other_kinds())
    return Tensors(path, file.shapes(), file.read)


OPENERS = {
    ".safetensors": _open_safetensors,
    ".safetensors.index.json": _open_shards,
    ".pth": _open_torch,
    ".pt": _open_torch,
    ".bin": _open_torch,
}


def _opener(path: pathlib.Path) -> Callable[[pathlib.Path], Tensors] | None:
    """The function that opens a file of that name, or `None`."""
    for ending, opener in OPENERS.items():
        if path.name.endswith(ending):
            return opener
    return None


def _file_in(folder: pathlib.Path) -> pathlib.Path:
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(
        f"{str(folder)!r} must hold one of {', '.join(FILES)}. Received: "
        f"{', '.join(sorted(p.name for p in folder.iterdir())[:8])}"
    )
