"""`plain_errors`: the package's own errors as one line and exit status 1."""

import contextlib
from collections.abc import Iterator

import typer


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Prints an error that names bad input without its traceback, and exits."""
    try:
        yield
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
