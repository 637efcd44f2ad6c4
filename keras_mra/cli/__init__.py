"""The command line: `keras-mra demo`, `pretrain`, `inspect`, `augment` and others.

The modules of the commands import the rest of the package only when a command runs.
"""

import sys
from typing import Annotated

try:
    import typer
except ImportError:
    sys.exit("The command line needs typer: pip install 'keras-mra[cli]'")

from keras_mra.cli.app_command import app as app_command
from keras_mra.cli.augment_command import augment
from keras_mra.cli.convert_command import convert
from keras_mra.cli.demo_command import demo
from keras_mra.cli.info_command import info
from keras_mra.cli.inspect_command import InspectCommand
from keras_mra.cli.inspect_command import inspect
from keras_mra.cli.pretrain_command import PretrainCommand
from keras_mra.cli.pretrain_command import pretrain
from keras_mra.version import __version__

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"keras_mra {__version__}")
        raise typer.Exit()


@app.callback()
def commands(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Masked autoencoders that augment images by painting hidden patches."""


app.command()(demo)
app.command(cls=PretrainCommand)(pretrain)
app.command(cls=InspectCommand)(inspect)
app.command()(augment)
app.command()(convert)
app.command()(info)
app.command("app")(app_command)


def main() -> None:
    """Runs the command that the process was started with."""
    app()


__all__ = [
    "Annotated",
    "InspectCommand",
    "PretrainCommand",
    "__version__",
    "app_command",
    "augment",
    "convert",
    "demo",
    "info",
    "inspect",
    "pretrain",
]
