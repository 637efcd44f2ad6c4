"""`check_shared`: a folder that a machine of a cluster sees."""

import pathlib
import socket


def check_shared(argument: str, folder: pathlib.Path, is_seen: bool) -> None:
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
