"""`folder_of`: the folder that the name of a data set names."""

import pathlib
from typing import Any

from keras_mra import checks


def folder_of(name: Any) -> pathlib.Path | None:
    """The folder of `"folder:PATH"`, or `None` for any other name or object.

    Args:
        name: Name of a data set, as in `keras_mra.datasets.load`, or the data.

    Raises:
        ValueError: If no folder can have this path.
    """
    if not isinstance(name, str):
        return None
    kind, _, path = name.partition(":")
    if kind != "folder" or not path:
        return None
    return checks.path("folder:PATH", path, "folder")
