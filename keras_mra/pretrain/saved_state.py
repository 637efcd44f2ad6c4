"""`read_saved_state`: the content of a checkpoint's file."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

from keras_mra import files
from keras_mra.pretrain.stored_arrays import stored_arrays


@dataclasses.dataclass(frozen=True)
class SavedState:
    """What a checkpoint's file holds.

    Attributes:
        header: Dict with the `run`, its `epochs_done`, `logs` and `variables`.
        arrays: List of NumPy arrays, the values of the variables.
    """

    header: dict[str, Any]
    arrays: list[np.ndarray[Any, Any]]


def read_saved_state(path: pathlib.Path) -> SavedState:
    """Reads the file of a checkpoint.

    Raises:
        ValueError: If the file cannot be read, or holds something else.
    """
    try:
        with files.open_regular(path) as file:
            found = stored_arrays(file)
        header = json.loads(str(found["header"]))
        if not _is_header(header):
            raise ValueError("its header is not that of a checkpoint")
        arrays = [found[f"v{i}"] for i in range(len(header["variables"]))]
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
