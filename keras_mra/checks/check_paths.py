"""Checks of paths, before anything is read or written."""

import errno
import os
import pathlib
from typing import Any

# What the common file systems allow: bytes of a name, and of a whole path.
LONGEST_NAME, LONGEST_PATH = 255, 4095


def path(name: str, value: Any, kind: str = "file or folder") -> pathlib.Path:
    """Returns `value` as a `pathlib.Path`, with `~` as the home folder.

    The path need not exist.

    Args:
        name: Name of the argument in the message.
        value: What the caller passed: a string or a `pathlib.Path`.
        kind: String, what the message calls it.

    Raises:
        ValueError: If no file or folder can have this path.
    """
    expected = f"`{name}` must be the path of a {kind}"
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise ValueError(
            f"{expected}. Received: {name}={value!r} (of type {type(value).__name__})"
        )
    if not text or "\0" in text:
        raise ValueError(f"{expected}. Received: {name}={text!r}")
    names = [part.encode(errors="surrogateescape") for part in text.split(os.sep)]
    longest = max(map(len, names))
    if longest > LONGEST_NAME or len(text.encode(errors="replace")) > LONGEST_PATH:
        raise ValueError(
            f"{expected}, with names of at most {LONGEST_NAME} bytes. Received: "
            f"{name}={text[:32]!r}..., with a name of {longest}"
        )
    try:
        found = pathlib.Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"{expected}. Received: {name}={text!r}, the home of an unknown user"
        ) from error
    try:
        os.stat(found)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ValueError(
                f"{expected}. Received: {name}={text!r}, a link that leads to itself"
            ) from error
    return found


def folder(name: str, value: Any) -> Any:
    """Returns `value` if it is the path of a folder, to be made or there, or `None`."""
    if value is None:
        return None
    found = path(name, value, "folder or None")
    there = next((place for place in (found, *found.parents) if place.exists()), found)
    if there.exists() and not there.is_dir():
        raise ValueError(
            f"`{name}` must be the path of a folder or None. Received: "
            f"{name}={str(value)!r}, but {str(there)!r} is a file"
        )
    return value
