"""`check_mae`: an argument that is an `MAE`."""

import reprlib
from typing import Any

from keras_mra.models.mae import MAE


def check_mae(mae: Any) -> MAE:
    """Returns `mae` if it is an `MAE`.

    Raises:
        ValueError: If it is something else.
    """
    if not isinstance(mae, MAE):
        raise ValueError(
            f"`mae` must be a `keras_mra.MAE`. Received: mae={reprlib.repr(mae)} "
            f"(of type {type(mae).__name__})"
        )
    return mae
