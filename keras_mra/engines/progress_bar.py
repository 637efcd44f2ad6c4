"""`progress_bar`: a line in the terminal that counts what is done."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator


@contextlib.contextmanager
def progress_bar(
    show: bool, text: str, total: int
) -> Iterator[Callable[[int], object]]:
    """Yields a function that advances the bar by a number of items.

    Args:
        show: Bool, whether there is a bar.
        text: String before the bar.
        total: Int, the number of items.
    """
    if not show:
        yield lambda count: None
        return
    from rich import progress

    with progress.Progress(
        progress.TextColumn(text),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)
