"""`connection_timeout`: downloads that do not wait forever."""

import contextlib
import socket
from collections.abc import Iterator

SECONDS = 20


@contextlib.contextmanager
def connection_timeout() -> Iterator[None]:
    """Ends connections to a server that does not answer within 20 seconds."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
