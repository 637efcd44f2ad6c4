"""Other processes that need no imports: copies of the one that tests."""

import contextlib
import os
import signal
import sys
import traceback


def start(function, *args):
    """Calls a function in a forked process, and returns the process's number.

    The process exits with status 0 if the function returns, and with 1 if it raises
    an error.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    try:
        function(*args)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def status(child):
    """Waits for a process, and returns its exit status, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextlib.contextmanager
def holding(context):
    """Runs the block while another process is within a context manager.

    Yields:
        The number of that process, which is killed at the end.
    """
    read, write = os.pipe()

    def hold():
        with context():
            os.write(write, b".")
            signal.pause()

    child = start(hold)
    os.close(write)
    try:
        assert os.read(read, 1) == b".", "The other process has failed."
        yield child
    finally:
        os.close(read)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
