"""`is_folder`: a folder of this machine or of a store."""

from keras_mra.files.remote_path import Place
from keras_mra.files.remote_path import RemotePath
from keras_mra.files.store import is_folder_of_store


def is_folder(path: Place) -> bool:
    """Whether there is a folder, and not a file.

    Args:
        path: The folder: a `pathlib.Path`, or a `RemotePath`.

    Raises:
        FileNotFoundError: If there is neither.
        OSError: If the store of a `RemotePath` does not tell.
    """
    if not isinstance(path, RemotePath):
        if not path.exists():
            raise FileNotFoundError(f"The folder {str(path)!r} does not exist.")
        return path.is_dir()
    try:
        return is_folder_of_store(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"The folder {str(path)!r} does not exist ({error.strerror})."
        ) from error
