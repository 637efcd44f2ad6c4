"""`path`: the parser of every option and argument that is a path of this machine."""

import pathlib

import typer


def path(text: str) -> pathlib.Path:
    """Returns the path that a text names. An empty text would name this folder.

    Raises:
        typer.BadParameter: If the text is empty, as that of an unset variable is.
    """
    if not str(text):
        raise typer.BadParameter("must be the path of a file or folder. Received: ''")
    return pathlib.Path(text)
