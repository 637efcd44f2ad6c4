"""Ctrl+C and SIGTERM, which end a command in one line.

This module imports nothing else: it works while the other modules are imported.
"""

import os
import signal
import sys
from typing import Any
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Seen:
    """The process that listens, and the signal that came, if one came."""

    process: int | None = None
    number: int | None = None


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
    raise KeyboardInterrupt


def has_come() -> bool:
    """Whether a signal came, even if a library turned its error into another."""
    return _Seen.number is not None


def end(what_is_saved: str) -> NoReturn:
    """Prints one line and ends the process, with 128 and the signal as its status.

    Args:
        what_is_saved: String, a sentence or two: what is saved and how to go on.
    """
    number = signal.SIGINT if _Seen.number is None else _Seen.number
    word = "Terminated" if number == signal.SIGTERM else "Interrupted"
    print(f"{word}. {what_is_saved}", file=sys.stderr, flush=True)
    if _Seen.process == os.getpid():
        for each in SIGNALS:  # The next one ends the process at once.
            signal.signal(each, signal.SIG_DFL)
    sys.exit(128 + number)
