"""The memory that a piece of code takes, measured in a process of its own."""

import subprocess
import sys

_SCRIPT = """
import resource
{setup}
def resident():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = resident()
try:
    {code}
except (ValueError, OSError) as error:
    print("refused:", error)
print("MiB:", resident() - before)
"""


def peak_memory(setup, code, folder):
    """Runs code in a new interpreter.

    Args:
        setup: Python source whose memory is not counted, such as imports.
        code: A Python statement on one line. It may raise a `ValueError` or `OSError`.
        folder: Path of the working directory.

    Returns:
        The MiB that the process grew by, and the message of the error or `""`.
    """
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(setup=setup, code=code)],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert "MiB: " in done.stdout, done.stderr
    message, _, mebibytes = done.stdout.rpartition("MiB: ")
    return float(mebibytes), message.partition("refused: ")[2].strip()
