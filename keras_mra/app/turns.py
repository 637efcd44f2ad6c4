"""`Turns`: one call at a time, and a bound on those that wait."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from werkzeug.exceptions import ServiceUnavailable

BUSY = "The server is busy: try again in a few seconds."
Result = TypeVar("Result")


class Turns:
    """Runs functions one after the other, and refuses those that would wait too long.

    All run in one thread. The memory of a large picture stays with the thread that read
    it, until that thread reads another one: in the threads of many visitors it adds up.

    Args:
        waiting: Int, the calls that may wait.
    """

    def __init__(self, waiting: int) -> None:
        self._places = threading.Semaphore(1 + waiting)
        # The worker gets one call at a time: Ctrl+C waits for what was handed to it.
        self._turn = threading.Lock()
        self._worker = ThreadPoolExecutor(1)

    def take(self, function: Callable[[], Result]) -> Result:
        """Returns what the function returns, when it is its turn.

        Raises:
            ServiceUnavailable: If no more calls may wait.
        """
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable(BUSY)
        try:
            with self._turn:
                return self._worker.submit(function).result()
        finally:
            self._places.release()
