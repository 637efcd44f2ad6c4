"""`app`: the commands with their options."""

import importlib.metadata
import sys
from typing import Annotated
from typing import Any

import typer
import typer.core

from keras_mra_cli import interruption
from keras_mra_cli.app_command import app as app_command
from keras_mra_cli.augment_command import augment
from keras_mra_cli.compare_command import compare
from keras_mra_cli.convert_command import convert
from keras_mra_cli.demo_command import demo
from keras_mra_cli.embed_command import embed
from keras_mra_cli.info_command import info
from keras_mra_cli.inspect_command import InspectCommand
from keras_mra_cli.inspect_command import inspect
from keras_mra_cli.pretrain_command import PretrainCommand
from keras_mra_cli.pretrain_command import pretrain
from keras_mra_cli.silence import silence
from keras_mra_cli.standard_streams import repair_streams


class Commands(typer.core.TyperGroup):
    """Takes `--quiet` in any place, and ends on Ctrl+C without Click's own words."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        others = [word for word in args if word != "--quiet"]
        first = ["--quiet"] if len(others) < len(args) else []
        return super().parse_args(ctx, [*first, *others])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # Raised where `plain_errors` begins or ends.
            interruption.end()


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"keras_mra {importlib.metadata.version('keras_mra')}")
        raise typer.Exit()


@app.callback()
def commands(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            help="Print errors and warnings only. info and inspect still print what "
            "they find.",
        ),
    ] = False,
) -> None:
    """Masked autoencoders that augment images by painting hidden patches."""
    if quiet:
        silence(context, results=context.invoked_subcommand in ("info", "inspect"))


app.command()(demo)
app.command(cls=PretrainCommand)(pretrain)
app.command(cls=InspectCommand)(inspect)
app.command()(augment)
app.command()(embed)
app.command()(compare)
app.command()(convert)
app.command()(info)
app.command("app")(app_command)


def run() -> None:
    """Runs the command that the process was started with."""
    interruption.listen()
    repair_streams()
    if sys.stdout.isatty() and sys.stderr.isatty():
        app.rich_markup_mode = "rich"  # Boxes and colours are for a terminal alone.
    app()
