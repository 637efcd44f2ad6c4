"""Processes that are killed at a chosen moment of their writing."""

import builtins
import io
import os
import signal
import time

from helpers import forked

# The calls with which files are written. `open` counts where it writes.
CALLS = ("open", "mkdir", "replace", "fsync", "unlink", "rmdir", "write")


def killed_at(number, function, *args, after=False, calls=CALLS):
    """Calls a function in a forked process that is killed at one of its writes.

    Args:
        number: Int, which of the calls that write, from 0.
        function: The function.
        *args: Its arguments.
        after: Bool, whether the process is killed after that call, or before it.
        calls: Names of the functions of `os` that count.

    Returns:
        `True` if the process was killed, `False` if it ended before.
    """

    def run():
        arm(number, after, calls)
        function(*args)

    status = forked.status(forked.start(run))
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def killed_after(seconds, function, *args):
    """Calls a function in a forked process that is killed after a time.

    Returns:
        As `killed_at`.
    """
    child = forked.start(function, *args)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    status = forked.status(child)
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def arm(number, after=False, calls=CALLS):
    """Lets this process be killed at one of its writes, as `killed_at` says."""
    remaining = [number]

    def watched(call, writes):
        def watching(*args, **kwargs):
            if not writes(*args, **kwargs):
                return call(*args, **kwargs)
            is_last = remaining[0] == 0
            remaining[0] -= 1
            if is_last and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return call(*args, **kwargs)
            finally:
                if is_last:
                    os.kill(os.getpid(), signal.SIGKILL)

        return watching

    for name in calls:
        writes = _opens_to_write if name == "open" else _always
        setattr(os, name, watched(getattr(os, name), writes))
    if "open" in calls:
        builtins.open = io.open = watched(io.open, _is_mode_to_write)


def _always(*_, **__):
    return True


def _opens_to_write(path, flags, *_, **__):
    return flags & (os.O_WRONLY | os.O_RDWR) != 0


def _is_mode_to_write(path, mode="r", *_, **__):
    return not isinstance(path, int) and any(letter in mode for letter in "wax+")
