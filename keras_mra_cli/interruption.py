"""Ctrl+C and SIGTERM, which end a command in one line.

This module imports the standard library alone: it works while the other modules are
imported.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Seen:
    """The process that listens, the signal that came, and what to say at once."""

    process: int | None = None
    number: int | None = None
    at_once: Callable[[], str] | None = None


def listen() -> None:
    """Makes Ctrl+C and SIGTERM raise a `KeyboardInterrupt`, and remembers them."""
    _Seen.process = os.getpid()
    for number in SIGNALS:
        signal.signal(number, _interrupt)


def _interrupt(number: int, _: Any) -> None:
    if os.getpid() != _Seen.process:
        # A forked worker has inherited the handler. It ends without a traceback.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    _Seen.number = number
    if _Seen.at_once is not None:
        print(f"{_word(number)}. {_Seen.at_once()}", file=sys.stderr, flush=True)
        os._exit(128 + number)
    raise KeyboardInterrupt


@contextlib.contextmanager
def ending_at_once(what_is_saved: Callable[[], str]) -> Iterator[None]:
    """Ends the process in the handler: some libraries swallow errors of their import.

    Args:
        what_is_saved: Function that returns what `end` prints.
    """
    _Seen.at_once = what_is_saved
    try:
        yield
    finally:
        _Seen.at_once = None


def _word(number: int) -> str:
    return "Terminated" if number == signal.SIGTERM else "Interrupted"


def has_come() -> bool:
    """Whether a signal came, even if a library turned its error into another."""
    return _Seen.number is not None


def end(what_is_saved: str) -> NoReturn:
    """Prints one line and ends the process, with 128 and the signal as its status.

    Args:
        what_is_saved: String, a sentence or two: what is saved and how to go on.
    """
    number = signal.SIGINT if _Seen.number is None else _Seen.number
    print(f"{_word(number)}. {what_is_saved}", file=sys.stderr, flush=True)
    if _Seen.process == os.getpid():
        for each in SIGNALS:  # The next one ends the process at once.
            signal.signal(each, signal.SIG_DFL)
    sys.exit(128 + number)
