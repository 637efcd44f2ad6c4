"""`ReadAhead`: samples that threads compute before they are asked for."""

import concurrent.futures
import os
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from keras_mra import checks


class ReadAhead:
    """Calls a function of samples in threads, some samples ahead of their use.

    Pillow decodes and resizes images without Python's global lock, so that threads
    share the work. What a sample is does not depend on the threads.

    Args:
        function: Function of an int, the sample.
        workers: Int, the number of threads, or `None` for the number of processors
            that this process may use. With 1, there are no threads: samples are
            computed when they are taken.
    """

    def __init__(self, function: Callable[[int], Any], workers: int | None) -> None:
        if workers is not None:
            workers = checks.positive_int("workers", workers)
        self.function = function
        self.workers = workers or _processors()
        self._process = os.getpid()
        self._executor: concurrent.futures.ThreadPoolExecutor | None = None
        self._begun: dict[int, concurrent.futures.Future[Any]] = {}

    def begin(self, samples: Iterable[int]) -> None:
        """Starts the samples that have not been started yet."""
        if self.workers == 1:
            return
        if self._process != os.getpid():  # Threads do not survive a fork.
            self._process, self._executor, self._begun = os.getpid(), None, {}
        if self._executor is None:
            self._executor = concurrent.futures.ThreadPoolExecutor(
                self.workers, thread_name_prefix="keras_mra_read"
            )
        for sample in samples:
            if sample not in self._begun:
                self._begun[sample] = self._executor.submit(self.function, sample)

    def take(self, samples: list[int]) -> list[Any]:
        """Returns what the function gives for each sample, in their order."""
        self.begin(samples)
        found = [self._begun.pop(sample, None) for sample in samples]
        return [
            self.function(sample) if future is None else future.result()
            for sample, future in zip(samples, found)
        ]

    def forget(self) -> None:
        """Drops the samples that have not been taken."""
        for future in self._begun.values():
            future.cancel()
        self._begun = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Threads are not copied: a copy, or a data set in another process, starts its
        # own.
        return ReadAhead, (self.function, self.workers)


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1
