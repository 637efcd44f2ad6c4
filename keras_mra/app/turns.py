"""`Turns`: a bound on what runs at once and on what waits for it."""

import contextlib
import threading
from collections.abc import Iterator

from werkzeug.exceptions import ServiceUnavailable

BUSY = "The server is busy: try again in a few seconds."


class Turns:
    """Lets a few threads run at once, and a few more wait. The others are refused.

    Args:
        at_once: Int, the threads that run.
        waiting: Int, the threads that wait.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._places = threading.Semaphore(at_once + waiting)
        self._running = threading.Semaphore(at_once)

    @contextlib.contextmanager
    def take(self) -> Iterator[None]:
        """Waits for a turn, which lasts as long as the context.

        Raises:
            ServiceUnavailable: If no more threads may wait.
        """
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable(BUSY)
        try:
            with self._running:
                yield
        finally:
            self._places.release()
