"""`ray_cluster`: a connection to a Ray cluster, for as long as it is needed."""

import contextlib
import logging
import os
import signal
import socket
import urllib.parse
from collections.abc import Iterator

ADDRESS = "RAY_ADDRESS"
# Seconds to wait for the cluster to answer. Ray itself waits for minutes.
PATIENCE = 10.0


@contextlib.contextmanager
def ray_cluster() -> Iterator[None]:
    """Connects to a Ray cluster, and disconnects at the end.

    That is the cluster that this process is connected to; or the one that the
    environment variable `RAY_ADDRESS` names; or the one that runs on this machine; or
    a new one on this machine, which ends with the block.

    Raises:
        OSError: If the cluster does not answer, or cannot be started.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    address = os.environ.get(ADDRESS, "")
    _check_answer(address)
    # Ray sets a handler of its own, which would hide how the process was ended.
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    except Exception as error:  # Its types are many, and its own.
        raise OSError(
            f"Ray must start or answer. Received: {ADDRESS}={address!r} ({error})"
        ) from error
    finally:
        with contextlib.suppress(ValueError):  # Not in the main thread.
            signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        ray.shutdown()


def _check_answer(address: str) -> None:
    """Refuses a host and port where nothing answers."""
    place = urllib.parse.urlsplit(address if "://" in address else f"//{address}")
    try:
        if place.hostname is None or place.port is None:
            return  # Such as "auto", which Ray looks up.
        socket.create_connection((place.hostname, place.port), PATIENCE).close()
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"`{ADDRESS}` must be the address of a Ray cluster that answers. "
            f"Received: {ADDRESS}={address!r} ({error})"
        ) from error
