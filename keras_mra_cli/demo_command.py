"""`keras-mra demo`: what MRA does for a small classifier, in a few minutes."""

import pathlib
from typing import Annotated

import typer

from keras_mra_cli.plain_errors import plain_errors

# What `--quick` changes, by the names of the parameters.
QUICK = {"labels_per_class": 10, "epochs": 2, "seeds": 2}


def _choose_quick(context: typer.Context, quick: bool) -> bool:
    """Replaces defaults, before the other options are read."""
    if quick:
        context.default_map = dict(QUICK)
    return quick


def demo(
    out: Annotated[pathlib.Path, typer.Option(help="Folder to write.")] = pathlib.Path(
        "mra-demo"
    ),
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            callback=_choose_quick,
            is_eager=True,
            help="Only try whether it runs: 10 labels per class, 2 epochs and 2 seeds "
            "where they are not given, and 1 epoch of pretraining.",
        ),
    ] = False,
    pretrain: Annotated[
        bool, typer.Option("--pretrain", help="Train the autoencoder in this run.")
    ] = False,
    data: Annotated[
        str, typer.Option(help="Data set: fashion_mnist or digits.")
    ] = "fashion_mnist",
    labels_per_class: Annotated[
        int, typer.Option(min=1, help="Labelled training images of each class.")
    ] = 40,
    epochs: Annotated[
        int, typer.Option(min=2, help="Epochs over the labelled images.")
    ] = 30,
    seeds: Annotated[
        int, typer.Option(min=1, help="Number of runs with and without MRA.")
    ] = 3,
    mask_ratio: Annotated[
        float, typer.Option(help="Share of the patches that MRA repaints.")
    ] = 0.4,
    rate: Annotated[
        float, typer.Option(help="Fraction of the images that MRA augments.")
    ] = 0.5,
) -> None:
    """Train a small CNN on few labels, without and with MRA, and compare."""
    if data not in ("fashion_mnist", "digits"):
        raise typer.BadParameter(
            f"--data must be fashion_mnist or digits. Received: {data!r}"
        )
    with plain_errors():
        from keras_mra.demo import Settings
        from keras_mra.demo import run_demo

        run_demo(
            Settings(
                out=str(out),
                pretrain=pretrain,
                labels_per_class=labels_per_class,
                epochs=epochs,
                seeds=seeds,
                mask_ratio=mask_ratio,
                rate=rate,
                data=data,
                quick=quick,
            )
        )
