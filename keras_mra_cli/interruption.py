"""Ctrl+C and SIGTERM, which end a command in one line."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any
from typing import NoReturn

from keras_mra_cli import print_end

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Seconds until the error is raised again, where code that ran has swallowed it, and
# for a training to end its step.
AGAIN, STEP = 3.0, 20.0


class _Seen:
    """The process that listens, the signal that came, and how it is answered."""

    process: int | None = None
    number: int | None = None
    what_is_saved: Callable[[], str] = lambda: "Nothing has begun."
    raises: bool = False
    waits: bool = False


def listen() -> None:
    """Answers Ctrl+C and SIGTERM: until `raise_errors`, they end the process."""
    _Seen.process = os.getpid()
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    if hasattr(signal, "SIGALRM"):  # Windows has none.
        signal.signal(signal.SIGALRM, _raise)


def end_at_once(what_is_saved: Callable[[], str]) -> None:
    """Ends the process in the handler from now on.

    Some libraries swallow errors of their import, and Click has its own words for them.

    Args:
        what_is_saved: Function that returns a sentence or two: what is saved and how to
            go on. They are printed then, and by `end`.
    """
    _Seen.raises = False
    _Seen.what_is_saved = what_is_saved


def raise_errors() -> None:
    """Lets the handler raise a `KeyboardInterrupt` from now on."""
    _Seen.raises = True


def wait_for_the_step(waits: bool) -> None:
    """Says whether a training steps, which ends by itself if `has_come()`."""
    _Seen.waits = waits


def has_come() -> bool:
    """Whether a signal came, even if a library turned its error into another."""
    return _Seen.number is not None


def end() -> NoReturn:
    """Prints one line and ends the process, with 128 and the signal as its status."""
    _Seen.raises = False
    number = signal.SIGINT if _Seen.number is None else _Seen.number
    if _Seen.process == os.getpid():
        _raise_again_in(0)
    _print_end(number)
    if _Seen.process == os.getpid():
        for each in SIGNALS:  # The next one ends the process at once.
            signal.signal(each, signal.SIG_DFL)
    sys.exit(128 + number)


def _interrupt(number: int, _: Any) -> None:
    if os.getpid() != _Seen.process:
        # A forked worker has inherited the handler. It ends without a traceback.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    if has_come():
        return  # It ends already, and `timeout` sends two. The alarm raises again.
    _Seen.number = number
    if not _Seen.raises:
        _print_end(number)
        os._exit(128 + number)
    if _Seen.waits:
        _raise_again_in(STEP)
    else:
        _raise()


def _raise(*_: Any) -> None:
    if _Seen.raises:
        _raise_again_in(AGAIN)
        raise KeyboardInterrupt


def _raise_again_in(seconds: float) -> None:
    """Sets the alarm, or takes it back with 0."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _print_end(number: int) -> None:
    try:
        sentence = _Seen.what_is_saved()
    except OSError:  # An output cannot be looked up.
        sentence = ""
    print_end(number, sentence)
