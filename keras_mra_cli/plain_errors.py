"""`plain_errors`: errors and interruptions as one line, without a traceback."""

import contextlib
import os
from collections.abc import Callable
from collections.abc import Iterator

import typer

from keras_mra_cli import interruption

# Set to anything, it lets unforeseen errors show where they come from.
TRACEBACK = "KERAS_MRA_TRACEBACK"
WHOLE_FILES = (
    "Every file that was written is whole. Run the same command again to go on."
)
ENDED = "The command had ended already."


@contextlib.contextmanager
def plain_errors(
    what_is_saved: Callable[[], str] = lambda: WHOLE_FILES,
) -> Iterator[None]:
    """Prints an error without its traceback, and exits with status 1.

    Ctrl+C and SIGTERM print what is saved and how to go on, and exit with 130 and 143.

    Args:
        what_is_saved: Function that returns this sentence.
    """
    interruption.end_at_once(what_is_saved)
    try:
        import keras_mra  # noqa: F401

        interruption.raise_errors()
        yield
        if interruption.has_come():  # A library swallowed the error.
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        interruption.end()
    except typer.Exit:
        raise
    except Exception as error:
        if interruption.has_come():
            interruption.end()
        foreseen = (ValueError, OSError, ImportError, FloatingPointError)
        is_foreseen = isinstance(error, foreseen)
        if not is_foreseen and TRACEBACK in os.environ:
            raise
        text = " ".join(str(error).split())
        if not is_foreseen:
            text = f"{type(error).__name__}: {text} ({TRACEBACK}=1 shows where)"
        typer.echo(f"Error: {text}", err=True)
        raise typer.Exit(1) from error
    finally:
        interruption.end_at_once(lambda: ENDED)
