"""`walk_store`: the image files of a folder tree of a store."""

import pathlib
from collections.abc import Iterator

from keras_mra import files
from keras_mra.datasets.image_reader import SUFFIXES


def walk_store(root: files.RemotePath) -> Iterator[tuple[str, str, str | None]]:
    """Yields the images of a tree in the order that they have in a folder.

    Hidden files and folders are passed over. That includes `..`, which a store can hold
    as a name.

    Yields:
        The folder, the name, and the reason to leave the image out, or `None`.

    Raises:
        OSError: If the store cannot be listed.
    """
    stack = [(str(root), _reversed(root))]
    while stack:
        folder, names = stack[-1]
        if not names:
            stack.pop()
            continue
        name, is_folder = names.pop()
        if not _is_name(name):
            yield folder, name, f"{name!r} cannot be the name of a file"
        elif not is_folder:
            yield folder, name, None
        else:
            inner = files.RemotePath(folder, name)
            try:
                stack.append((str(inner), _reversed(inner)))
            except PermissionError as error:
                yield folder, name, f"cannot be listed: {error.strerror}"


def _reversed(folder: files.RemotePath) -> list[tuple[str, bool]]:
    """The images and folders in a folder, the first one last."""
    return [
        (name, is_folder)
        for name, is_folder in reversed(files.listed(folder))
        if not name.startswith(".") and (is_folder or name.lower().endswith(SUFFIXES))
    ]


def _is_name(name: str) -> bool:
    """Whether a folder of this machine can hold a file of this name."""
    return "\0" not in name and pathlib.Path("folder", name).parts == ("folder", name)
