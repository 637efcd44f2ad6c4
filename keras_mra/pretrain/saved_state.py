"""`read_saved_state`: the content of a checkpoint's file."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

from keras_mra import files


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
        with files.open_regular(path) as file, np.load(file, allow_pickle=False) as npz:
            header = json.loads(str(npz["header"]))
            arrays = [npz[f"v{i}"] for i in range(len(header["variables"]))]
            if not {"run", "epochs_done", "logs"} <= set(header):
                raise ValueError("its header is not that of a checkpoint")
    except MemoryError:
        raise
    except Exception as error:  # NumPy's error depends on the damage.
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
    return SavedState(header, arrays)
