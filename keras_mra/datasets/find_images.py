"""The image files of a folder tree."""

import dataclasses
import os
import pathlib
import warnings
from collections.abc import Iterator

from keras_mra import checks
from keras_mra import files
from keras_mra.datasets.image_reader import SUFFIXES
from keras_mra.datasets.path_list import PathList
from keras_mra.datasets.walk_store import walk_store
from keras_mra.typing import Path


@dataclasses.dataclass(frozen=True)
class FoundImages:
    """The image files of a folder tree, and what is named as one but left out.

    Attributes:
        root: Path of the folder.
        paths: `PathList`, sorted, without hidden files and folders.
        left_out: List of `(path, reason)`: links that leave the tree, what is no
            regular file, and folders that cannot be listed.
    """

    root: files.Place
    paths: PathList
    left_out: list[tuple[files.Place, str]]

    def warn_of_left_out(self) -> None:
        """Warns of what is left out, with the first few names."""
        if self.left_out:
            warnings.warn(f"Left out: {self.describe_left_out()}", stacklevel=3)

    def describe_left_out(self) -> str:
        """The number of what is left out, and the first few names."""
        few = "; ".join(f"{path} ({reason})" for path, reason in self.left_out[:3])
        return f"{len(self.left_out)}: {few}" + "; ..." * (len(self.left_out) > 3)


def find_images(root: Path, follow_links: bool = False) -> FoundImages:
    """Lists the image files of a folder tree.

    Links to files within the tree are followed. The images of a linked folder within
    the tree are listed once, below the folder itself.

    Args:
        root: Path of a folder, or of a link to one; or a `files.RemotePath`.
        follow_links: Bool, whether links that leave the tree are followed too.

    Returns:
        `FoundImages`.

    Raises:
        FileNotFoundError: If the folder does not exist.
        NotADirectoryError: If `root` is a file.
        ValueError: If the folder holds no image.
        OSError: If the store of a `files.RemotePath` cannot be read.
    """
    entries: Iterator[tuple[str, str, str | None]]
    kind: type[files.Place]
    if isinstance(root, files.RemotePath):
        kind, entries = files.RemotePath, walk_store(root)
    else:
        root = checks.path("root", root, "folder")
        kind, entries = pathlib.Path, _walk(root, follow_links)
    if not files.is_folder(root):
        raise NotADirectoryError(f"{str(root)!r} must be a folder, but it is a file.")
    found = FoundImages(root, PathList(kind=kind), [])
    for folder, name, reason in entries:
        if reason is None:
            found.paths.append(folder, name)
        else:
            found.left_out.append((kind(folder, name), reason))
    if not found.paths:
        raise ValueError(
            f"The folder {str(root)!r} holds no image. Its files and those of its "
            f"sub-folders must end in {', '.join(SUFFIXES)}."
            + (f" Left out: {found.describe_left_out()}" if found.left_out else "")
        )
    found.left_out.sort()
    return found


@dataclasses.dataclass(frozen=True)
class _Listing:
    """What is still to come of a folder, the next name last.

    A folder can hold a million names. Their entries would take more memory.
    """

    path: str
    names: list[str]
    folders: set[str]
    left_out: dict[str, str]


def _walk(
    root: pathlib.Path, follow_links: bool
) -> Iterator[tuple[str, str, str | None]]:
    """Yields the images of a tree in the order of their paths.

    Yields:
        The folder, the name, and the reason to leave the image out, or `None`.
    """
    tree = os.path.realpath(root)
    seen: set[str] = set()
    parent, name = os.path.split(root)
    stack = [_Listing(parent, [name], {name}, {})]
    while stack:
        folder = stack[-1]
        if not folder.names:
            stack.pop()
            continue
        name = folder.names.pop()
        if name not in folder.folders:
            yield folder.path, name, folder.left_out.get(name)
            continue
        path = os.path.join(folder.path, name)
        # A link to a parent folder would otherwise be followed forever.
        real = os.path.realpath(path)
        if real in seen or (os.path.islink(path) and _is_listed(real, tree)):
            continue
        seen.add(real)
        if not follow_links and not _is_below(real, tree):
            yield folder.path, name, f"a link that leaves the folder, to {real!r}"
            continue
        try:
            stack.append(_listed(path, tree, follow_links))
        except OSError as error:
            yield folder.path, name, f"cannot be listed: {error.strerror}"


def _listed(path: str, tree: str, follow_links: bool) -> _Listing:
    """Lists the images and folders of a folder, without the hidden ones."""
    found = _Listing(path, [], set(), {})
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if entry.is_dir():
                found.folders.add(name)
            elif not name.lower().endswith(SUFFIXES):
                continue
            elif reason := _reason_to_leave_out(entry, tree, follow_links):
                found.left_out[name] = reason
            found.names.append(name)
    found.names.sort(reverse=True)
    return found


def _reason_to_leave_out(
    entry: os.DirEntry[str], tree: str, follow_links: bool
) -> str | None:
    if entry.is_symlink():
        real = os.path.realpath(entry.path)
        if not os.path.exists(real):
            return f"a link to nothing, {real!r}"
        if not follow_links and not _is_below(real, tree):
            return f"a link that leaves the folder, to {real!r}"
    if not entry.is_file():
        return f"not a file, but {files.kind_of(entry.stat().st_mode)}"
    return None


def _is_listed(path: str, tree: str) -> bool:
    """Whether a folder is listed without a link: within the tree, and not hidden."""
    if path == tree or not _is_below(path, tree):
        return False
    inside = os.path.relpath(path, tree).split(os.sep)
    return not any(name.startswith(".") for name in inside)


def _is_below(path: str, tree: str) -> bool:
    return path == tree or path.startswith(os.path.join(tree, ""))
