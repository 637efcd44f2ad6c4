"""Names in folders of this machine and of stores, and the removal of files."""

import os

from keras_mra.files import store
from keras_mra.files.remote_path import Place
from keras_mra.files.remote_path import RemotePath


def names_in(folder: Place) -> list[str]:
    """The sorted names of the files in a folder; empty if there is no such folder.

    Raises:
        OSError: If the folder cannot be listed.
    """
    if isinstance(folder, RemotePath):
        return [name for name, is_folder in store.listed(folder) if not is_folder]
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())
    except FileNotFoundError:
        return []


def remove(path: Place) -> None:
    """Removes a file.

    Raises:
        OSError: If it cannot be removed.
    """
    if isinstance(path, RemotePath):
        store.remove_object(path)
    else:
        path.unlink()
