"""`read_saved_state`: the content of a checkpoint's file."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mra import files
from keras_mra.pretrain.stored_arrays import stored_arrays

Shape = tuple[int, ...]


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
        with files.open_regular(path) as file:
            found = stored_arrays(file)
        header = json.loads(str(found["header"]))
        if not _is_header(header):
            raise ValueError("its header is not that of a checkpoint")
        if [tuple(shape) for shape, _ in header["variables"]] != list(shapes):
            return SavedState(header, [])
        arrays = [found[f"v{i}"] for i in range(len(shapes))]
        for i, (array, shape) in enumerate(zip(arrays, shapes)):
            if array.shape != shape:
                raise ValueError(f"v{i} has the shape {array.shape}")
    except MemoryError:
        raise
    except Exception as error:  # NumPy's error depends on the damage.
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
    return SavedState(header, arrays)


def _is_header(header: Any) -> bool:
    """Whether a JSON document says what a checkpoint's header does."""
    kinds = {"run": dict, "epochs_done": int, "logs": dict, "variables": list}
    return (
        isinstance(header, dict)
        and all(isinstance(header.get(name), kind) for name, kind in kinds.items())
        and header["epochs_done"] >= 0
        and isinstance(header.get("seconds", 0.0), (int, float))
        and all(isinstance(losses, list) for losses in header["logs"].values())
        and all(
            isinstance(variable, list) and len(variable) == 2
            for variable in header["variables"]
        )
    )
