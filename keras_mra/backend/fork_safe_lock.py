"""`ForkSafeLock`: a lock that no forked process waits for."""

import os
import threading


class ForkSafeLock:
    """A re-entrant lock that is open in a forked process.

    The threads of the parent do not exist in a forked process. A lock that one of them
    held would never be released there.
    """

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):  # Windows cannot fork.
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
