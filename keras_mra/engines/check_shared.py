"""`check_shared`: a folder that a machine of a cluster sees."""

import socket
from collections.abc import Callable

from keras_mra import files


def check_shared(argument: str, folder: files.Place, sees: Callable[[], bool]) -> None:
    """Refuses a folder that this machine does not see.

    Args:
        argument: Name of the user's argument, for the message.
        folder: The folder.
        sees: Function that tells whether this machine sees it. An `OSError` that it
            raises is the reason why not.

    Raises:
        OSError: If it does not.
    """
    reason = ""
    try:
        is_seen = sees()
    except OSError as error:
        is_seen, reason = False, f" ({error})"
    if not is_seen:
        raise OSError(
            f"`{argument}` must be a folder that all machines of the cluster see. "
            f"Received: {argument}={str(folder)!r}, which {socket.gethostname()!r} "
            f"does not see{reason}"
        )
