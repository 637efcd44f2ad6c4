"""`silence`: errors and warnings only."""

import contextlib
import logging
import os

import typer


def silence(context: typer.Context, results: bool) -> None:
    """Silences a command, except for its errors and warnings.

    Args:
        context: Context of the command. What it writes to the standard output is lost
            until the context ends.
        results: Whether its standard output is its result, and stays.
    """
    # The line about the backend.
    logging.getLogger("keras_mra").setLevel(logging.ERROR)
    # TensorFlow's notes, which C++ writes.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    if not results:
        nowhere = open(os.devnull, "w", encoding="utf-8", errors="backslashreplace")
        context.with_resource(nowhere)
        context.with_resource(contextlib.redirect_stdout(nowhere))
