"""`check_shared`: a folder that a machine of a cluster sees."""

import socket

from keras_mra import files


def check_shared(argument: str, folder: files.Place, is_seen: bool) -> None:
    """Refuses a folder that this machine does not see.

    Args:
        argument: Name of the user's argument, for the message.
        folder: The folder.
        is_seen: Bool, whether this machine sees it.

    Raises:
        OSError: If it does not.
    """
    if not is_seen:
        raise OSError(
            f"`{argument}` must be a folder that all machines of the cluster see. "
            f"Received: {argument}={str(folder)!r}, which {socket.gethostname()!r} "
            "does not see"
        )


def check_shared_folder(argument: str, folder: files.Place) -> None:
    """Refuses a folder that is not there for this machine, as `check_shared` does."""
    try:
        is_seen = files.is_folder(folder)
    except OSError:
        is_seen = False
    check_shared(argument, folder, is_seen)
