"""What runs inside of a Ray cluster."""

import collections
import contextlib
import os
import pickle
from typing import Any

# A machine may be taken away several times; files that end their worker end each.
MOST_ATTEMPTS = 4


class Attempts:
    """Counts how often each task was begun: Ray repeats one whose worker died."""

    def __init__(self) -> None:
        self._begun: collections.Counter[int] = collections.Counter()

    def begin(self, number: int) -> int:
        """Counts a task, and returns how often it was begun."""
        self._begun[number] += 1
        return self._begun[number]


class RayWorker:
    """Calls a function of chunks, which it makes once.

    Errors that the user can act on are returned and not raised: Ray would make them
    errors of its own.

    Args:
        make: Bytes, a pickled function without arguments, which returns the function.
        attempts: Handle of the actor `Attempts`.
        folder: The folder in which relative paths start.
    """

    def __init__(self, make: bytes, attempts: Any, folder: str) -> None:
        self._make = make
        self._attempts = attempts
        self._folder = folder
        self._function: Any = None

    def __call__(self, row: dict[str, Any]) -> dict[str, bytes]:
        try:
            result = self._result(row["number"], pickle.loads(row["chunk"]))
        except (ImportError, MemoryError, OSError, ValueError) as error:
            result = error
        return {"result": pickle.dumps(result)}

    def _result(self, number: int, chunk: list[Any]) -> Any:
        import ray

        begun = ray.get(self._attempts.begin.remote(number))
        if begun > MOST_ATTEMPTS:
            raise OSError(
                f"A worker of Ray died {MOST_ATTEMPTS} times at the same files, for "
                "instance of too little memory. All files written so far are "
                f"complete. The files are those from {str(chunk[0])!r} to "
                f"{str(chunk[-1])!r}"
            )
        if self._function is None:
            # A folder that this machine does not have is noticed by the function.
            with contextlib.suppress(OSError):
                os.chdir(self._folder)
            self._function = pickle.loads(self._make)()
        return self._function(chunk)
