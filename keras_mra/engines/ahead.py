"""`ahead`: results of a function that threads compute before they are asked for."""

import collections
import concurrent.futures
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TypeAlias
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Begun: TypeAlias = tuple[Item, concurrent.futures.Future[Result]]


def ahead(
    function: Callable[[Item], Result], items: Iterable[Item], count: int
) -> Iterator[Begun[Item, Result]]:
    """Calls a function that waits for others, such as a server, in threads.

    Args:
        function: Function of an item.
        items: The items.
        count: Int, the threads, and the results that are computed ahead.

    Yields:
        Each item, in their order, and the future of its result.
    """
    begun: collections.deque[Begun[Item, Result]] = collections.deque()
    pool = concurrent.futures.ThreadPoolExecutor(count, "keras_mra_ahead")
    try:
        for item in items:
            begun.append((item, pool.submit(function, item)))
            if len(begun) > count:
                yield begun.popleft()
        while begun:
            yield begun.popleft()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
