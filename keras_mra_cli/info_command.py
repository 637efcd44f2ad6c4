"""`keras-mra info`: the facts about a preset."""

from typing import Annotated

import typer

from keras_mra_cli.plain_errors import plain_errors
from keras_mra_cli.printable import printable


def info(
    preset: Annotated[
        str, typer.Argument(help="Name, path or hf://OWNER/NAME of a preset.")
    ],
) -> None:
    """Print a preset's architecture, parameters, data, range and licence."""
    with plain_errors(lambda: "This command saves nothing."):
        from keras_mra.models.info import describe

        for name, value in describe(preset).items():
            typer.echo(f"{name.replace('_', ' '):18}{printable(value)}")
