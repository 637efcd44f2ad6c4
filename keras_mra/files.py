"""Files that are written whole or not at all, and JSON.

No other module replaces a file. A temporary file has a name of its own, is created
exclusively in the target's folder, and reaches the disk before it takes the target's
place: a reader, or a process that is killed, finds the old file or the new one.
"""

import contextlib
import json
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterator
from typing import Any

from keras_mra.typing import Path

PREFIX = ".mra-part-"
# Writers such as Keras' and Pillow's choose a format by the end of the name.
LONGEST_ENDING = 16


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[pathlib.Path]:
    """Yields the path of an empty file that takes the place of `path` at the end.

    If the block raises an error, `path` stays as it was.

    Args:
        path: The file to write. Its folder must exist.

    Example:

    ```python
    from keras_mra import files

    with files.replacing("results.txt") as part:
        part.write_text("done")
    ```
    """
    path = pathlib.Path(path)
    with replacing_together(path.parent, [path.name]) as parts:
        yield parts[path.name]


@contextlib.contextmanager
def replacing_together(
    folder: Path, names: list[str]
) -> Iterator[dict[str, pathlib.Path]]:
    """Yields temporary paths; none takes its file's place before all are written.

    Args:
        folder: Folder of the files. It must exist.
        names: Names of the files, in the order in which they are replaced.

    Yields:
        A dict from names to paths.
    """
    folder = pathlib.Path(folder)
    parts: dict[str, pathlib.Path] = {}
    try:
        for name in names:
            parts[name] = _create(folder, name)
        yield parts
        for part in parts.values():
            _sync(part)
        for name, part in parts.items():
            os.replace(part, folder / name)
    finally:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


@contextlib.contextmanager
def creating(path: Path) -> Iterator[pathlib.Path]:
    """Yields a path at which the block makes a file or a folder, moved to `path` then.

    For writers that make a whole folder, or refuse a file that exists.

    Args:
        path: The file or folder to make; it must not exist. Its parent folder must.
    """
    path = pathlib.Path(path)
    room = path.parent / (PREFIX + secrets.token_hex(8))
    room.mkdir()
    try:
        yield room / path.name
        os.replace(room / path.name, path)
    finally:
        _remove(room)


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
        ValueError: If the file is missing, cannot be read, is not JSON, or holds
            something else than an object.
    """
    path = pathlib.Path(path)
    if missing_ok and not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(
            f"{str(path)!r} must hold a JSON object. Received: {type(content).__name__}"
        )
    return content


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed process left of unfinished files, at any depth.

    Call it only where no other process writes to the folder.
    """
    for leftover in pathlib.Path(folder).rglob(f"{PREFIX}*"):
        _remove(leftover)


def _create(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Creates an empty file with a name that no other process uses."""
    ending = "".join(pathlib.PurePath(name).suffixes[-2:])
    ending = ending if len(ending) <= LONGEST_ENDING else ""
    part = folder / f"{PREFIX}{secrets.token_hex(8)}{ending}"
    part.open("xb").close()
    return part


def _sync(part: pathlib.Path) -> None:
    with open(part, "rb+") as file:
        os.fsync(file.fileno())


def _remove(path: pathlib.Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
