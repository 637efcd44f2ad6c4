"""`is_inside`: whether what is written would lie among what is read."""

import pathlib

from keras_mra.files.remote_path import Place
from keras_mra.files.remote_path import RemotePath


def is_inside(path: Place, folder: Place) -> bool:
    """Whether a path is a folder or lies in it. Neither need exist.

    Links are followed, and all names that a folder has on this machine count as one.

    Args:
        path: The file or folder: a `pathlib.Path`, or a `RemotePath`.
        folder: The folder.
    """
    if isinstance(path, RemotePath) or isinstance(folder, RemotePath):
        return path == folder or folder in path.parents
    found, folder = path.resolve(), folder.resolve()
    return any(_is_same(place, folder) for place in (found, *found.parents))


def check_outside(argument: str, path: Place, name: str, folder: Place | None) -> None:
    """Refuses to write into a folder of images that are read.

    Args:
        argument: Name of the caller's argument for `path`, for the message.
        path: The file or folder to write.
        name: Name of the argument that names the images.
        folder: Their folder, or `None` if they are in none.

    Raises:
        ValueError: If the path is the folder, or lies in it.
    """
    if folder is not None and is_inside(path, folder):
        raise ValueError(
            f"`{argument}` must be outside of the folder of `{name}`: a picture that "
            "is written there replaces one of the images, or is one of them in the "
            f"next run. Received: {argument}={str(path)!r}, {name}={str(folder)!r}"
        )


def _is_same(place: pathlib.Path, folder: pathlib.Path) -> bool:
    try:
        # Names that differ in case can be the same folder.
        return place == folder or place.samefile(folder)
    except OSError:  # One of them does not exist.
        return False
