"""`list_files`: the files that a command could not use, and its exit status."""

from collections.abc import Sequence

import typer

from keras_mra_cli.printable import printable


def list_files(
    failed: Sequence[tuple[object, str]], left_out: Sequence[tuple[object, str]]
) -> None:
    """Prints a line for each file, and exits with status 2 if there is one.

    Args:
        failed: Pairs of the path and the reason of files that could not be used.
        left_out: Those of files that were not tried.
    """
    for path, reason in failed:
        typer.echo(f"failed: {printable(path)}: {printable(reason)}", err=True)
    for path, reason in left_out:
        typer.echo(f"left out: {printable(path)}: {printable(reason)}", err=True)
    if failed or left_out:
        raise typer.Exit(2)
