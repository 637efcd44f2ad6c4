"""`read_saved_state`: the content of a checkpoint's file."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mra import files

Shape = tuple[int, ...]
# Bytes of a header: names of variables, and the logs of all epochs.
LONGEST_HEADER = 2**26
# Bytes of a number. No variable of Keras has larger ones.
LARGEST_NUMBER = 8


@dataclasses.dataclass(frozen=True)
class SavedState:
    """What a checkpoint's file holds.

    Attributes:
        header: Dict with the `run`, its `epochs_done`, `logs` and `variables`.
        arrays: List of NumPy arrays, the values of the variables; empty if the file
            holds variables of other shapes than expected.
    """

    header: dict[str, Any]
    arrays: list[np.ndarray[Any, Any]]


def read_saved_state(path: pathlib.Path, shapes: Sequence[Shape]) -> SavedState:
    """Reads the file of a checkpoint, in no more memory than its variables take.

    Args:
        path: The file.
        shapes: Shapes of the variables that are expected.

    Raises:
        ValueError: If the file cannot be read, or holds something else.
    """
    try:
        with files.open_regular(path) as file, np.load(file, allow_pickle=False) as npz:
            _check_size(npz, "header", LONGEST_HEADER)
            header = json.loads(str(npz["header"]))
            if not {"run", "epochs_done", "logs"} <= set(header):
                raise ValueError("its header is not that of a checkpoint")
            found = [tuple(shape) for shape, _ in header["variables"]]
            if found != list(shapes):
                return SavedState(header, [])
            arrays = []
            for i, shape in enumerate(shapes):
                # The file may declare another shape in each place, and expand to it.
                _check_size(npz, f"v{i}", LARGEST_NUMBER * int(np.prod(shape)))
                arrays.append(npz[f"v{i}"])
                if arrays[i].shape != shape:
                    raise ValueError(f"v{i} has the shape {arrays[i].shape}")
    except MemoryError:
        raise
    except Exception as error:  # NumPy's error depends on the damage.
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
    return SavedState(header, arrays)


def _check_size(npz: Any, name: str, most: int) -> None:
    """Refuses an array of more bytes, before memory is used for it."""
    with npz.zip.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read(member)
    size = dtype.itemsize
    for side in shape:  # Python's integers do not overflow.
        size *= side
    if size > most:
        raise ValueError(f"{name} has {size:,} bytes, where {most:,} are the most")
