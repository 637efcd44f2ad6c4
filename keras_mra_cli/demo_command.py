"""`keras-mra demo`: `compare` on small images that are at hand, in a few minutes."""

import pathlib
from typing import Annotated

import typer

from keras_mra_cli.path import path
from keras_mra_cli.plain_errors import plain_errors


def demo(
    out: Annotated[
        pathlib.Path, typer.Option(help="Folder to write.", parser=path)
    ] = pathlib.Path("mra-demo"),
    data: Annotated[
        str, typer.Option(help="Data set: fashion_mnist or digits.")
    ] = "fashion_mnist",
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Only try whether it runs: 10 labels per class, 2 epochs and 2 seeds, "
            "instead of 40, 30 and 3.",
        ),
    ] = False,
) -> None:
    """Repaint photographs, and compare a small CNN's training with MRA and without.

    The comparison is that of `keras-mra compare`, which has more options.
    """
    if data not in ("fashion_mnist", "digits"):
        raise typer.BadParameter(
            f"--data must be fashion_mnist or digits. Received: {data!r}"
        )
    with plain_errors():
        from keras_mra_cli.run_demo import run_demo

        comparison = run_demo(out, data, quick)
        typer.echo(f"\n{comparison}\n")
        typer.echo(f"Wrote {out / 'compare.json'} and {out / 'compare.png'}.")
