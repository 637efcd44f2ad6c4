"""`repair_streams`: standard streams to which every line can be printed."""

import io
import os
import sys


def repair_streams() -> None:
    """Opens the standard streams that are closed, and lets them write every name.

    A closed stream is `None`, on which many libraries call methods. Its number would
    be that of the next file, which would then hold what libraries print.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = open(os.devnull, "w", encoding="utf-8", errors="backslashreplace")
            setattr(sys, name, nowhere)
        elif isinstance(stream, io.TextIOWrapper):
            # The names of files need not be text.
            stream.reconfigure(errors="backslashreplace")
