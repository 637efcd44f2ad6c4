"""JSON files."""

import json
import pathlib
from typing import Any

from keras_mra.files.open_regular import read_regular
from keras_mra.files.replacing import replacing
from keras_mra.typing import Path


def write_json(path: Path, document: Any) -> None:
    """Writes a JSON document, indented, whole or not at all."""
    with replacing(path) as part:
        part.write_text(json_text(document), encoding="utf-8")


def json_text(document: Any) -> str:
    """The text of a JSON file, indented."""
    return json.dumps(document, indent=2) + "\n"


def read_json(path: Path, missing_ok: bool = False) -> dict[str, Any]:
    """Reads a JSON object.

    Args:
        path: The file.
        missing_ok: Bool. `True` returns an empty dict where there is no file.

    Raises:
        ValueError: If the file is missing, cannot be read, is larger than 4 MiB, is
            not JSON, or holds something else than an object.
    """
    path = pathlib.Path(path)
    if missing_ok and not path.is_file():
        return {}
    try:
        content = read_regular(path)
    except OSError as error:
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
    return json_object(content, path)


def json_object(content: bytes, path: Path) -> dict[str, Any]:
    """The JSON object that a file holds.

    Args:
        content: The content of the file.
        path: The file, for messages.

    Raises:
        ValueError: If it is not JSON, or something else than an object.
    """
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(
            f"{str(path)!r} must hold a JSON object. Received: "
            f"{type(document).__name__}"
        )
    return document
