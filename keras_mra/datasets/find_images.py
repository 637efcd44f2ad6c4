"""The image files of a folder tree."""

import os
import pathlib

from keras_mra import checks
from keras_mra.datasets.image_reader import SUFFIXES
from keras_mra.typing import Path


def find_images(root: Path) -> list[pathlib.Path]:
    """Lists the image files of a folder tree.

    Args:
        root: Path of a folder.

    Returns:
        Sorted list of paths, without hidden files and folders.

    Raises:
        FileNotFoundError: If the folder does not exist.
        NotADirectoryError: If `root` is a file.
        ValueError: If the folder holds no image.
    """
    root = checks.path("root", root, "folder")
    if not root.exists():
        raise FileNotFoundError(f"The folder {str(root)!r} does not exist.")
    if not root.is_dir():
        raise NotADirectoryError(f"{str(root)!r} must be a folder, but it is a file.")
    found: list[pathlib.Path] = []
    seen: set[str] = set()
    for folder, children, names in os.walk(root, followlinks=True):
        # A link to a parent folder would otherwise be followed forever.
        real = os.path.realpath(folder)
        if real in seen:
            children.clear()
            continue
        seen.add(real)
        children[:] = [child for child in children if not child.startswith(".")]
        found += [
            pathlib.Path(folder, name)
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    if not found:
        raise ValueError(
            f"The folder {str(root)!r} holds no image. Its files and those of its "
            f"sub-folders must end in {', '.join(SUFFIXES)}."
        )
    return sorted(found)
