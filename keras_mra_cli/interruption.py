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
# Seconds until the error is raised again, where code that ran has swallowed it, and
# for a training to end its step.
AGAIN, STEP = 3.0, 20.0


class _Seen:
    """The process that listens, the signal that came, and how it is answered."""

    process: int | None = None
    number: int | None = None
    at_once: Callable[[], str] | None = None
    waits: bool = False


def listen() -> None:
    """Makes Ctrl+C and SIGTERM raise a `KeyboardInterrupt`, and remembers them."""
    _Seen.process = os.getpid()
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    if hasattr(signal, "SIGALRM"):  # Windows has none.
        signal.signal(signal.SIGALRM, _raise)


def _interrupt(number: int, _: Any) -> None:
    if os.getpid() != _Seen.process:
        # A forked worker has inherited the handler. It ends without a traceback.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    _Seen.number = number
    if _Seen.at_once is not None:
        print(f"{_word(number)}. {_Seen.at_once()}", file=sys.stderr, flush=True)
        os._exit(128 + number)
    if _Seen.waits:
        _raise_again_in(STEP)
    else:
        _raise()


def wait_for_the_step(waits: bool) -> None:
    """Says whether a training steps, which ends by itself if `has_come()`."""
    _Seen.waits = waits


def _raise(*_: Any) -> NoReturn:
    _raise_again_in(AGAIN)
    raise KeyboardInterrupt


def _raise_again_in(seconds: float) -> None:
    """Sets the alarm, or takes it back with 0."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


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
        _raise_again_in(0)
        for each in SIGNALS:  # The next one ends the process at once.
            signal.signal(each, signal.SIG_DFL)
    sys.exit(128 + number)
