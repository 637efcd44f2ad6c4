"""`keras-mra compare`: whether MRA pays on a data set."""

import pathlib
from typing import Annotated

import typer

from keras_mra_cli.path import path
from keras_mra_cli.plain_errors import plain_errors


def compare(
    data: Annotated[
        str,
        typer.Argument(
            help="Labelled images: folder:PATH with a sub-folder for each class, "
            "fashion_mnist, digits, cifar10, cifar100 or tfds:NAME."
        ),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            help="The autoencoder: name, path or hf://OWNER/NAME. Without it, a "
            "shipped one that suits the images."
        ),
    ] = None,
    pretrain: Annotated[
        str | None,
        typer.Option(
            help="Train an autoencoder on the training images first, with the "
            "preset's attention as the teacher: quick, good or best."
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="small_cnn, resnet20, resnet56, wrn_28_2, vit_tiny or a function of "
            "keras.applications, untrained. Without it, resnet20 for colour images "
            "and small_cnn for grey ones."
        ),
    ] = None,
    arms: Annotated[
        str,
        typer.Option(
            help="What to compare with the base: MRA, 'MRA random', AttentiveCutout, "
            "AttentiveCutMix, CutMix, MixUp, TrivialAugment, RandAugment, AugMix, "
            "separated by commas, or several joined by +."
        ),
    ] = "MRA,RandAugment,TrivialAugment",
    labels_per_class: Annotated[
        int | None,
        typer.Option(min=1, help="Labelled images of each class. Without it, all."),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Side of the images in pixels. Without it, 32, or less if all files "
            "share a smaller size.",
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="Time for all runs. It decides epochs and seeds.")
    ] = 60.0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of each run, instead.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Runs of each arm, instead.")
    ] = None,
    mask_ratio: Annotated[
        float,
        typer.Option(
            help="Share of the patches that MRA repaints, or AttentiveCutout "
            "makes grey."
        ),
    ] = 0.4,
    rate: Annotated[
        float,
        typer.Option(
            help="Fraction of the images that MRA, AttentiveCutout and "
            "AttentiveCutMix augment."
        ),
    ] = 0.5,
    out: Annotated[
        pathlib.Path,
        typer.Option(
            help="Folder to write. The same one continues what was killed.",
            parser=path,
        ),
    ] = pathlib.Path("mra-compare"),
) -> None:
    """Train classifiers with and without MRA, and say whether it pays."""
    with plain_errors():
        import keras_mra

        comparison = keras_mra.compare(
            data,
            preset,
            pretrain=pretrain,
            network=network,
            arms=[arm.strip() for arm in arms.split(",")],
            labels_per_class=labels_per_class,
            image_size=image_size,
            minutes=minutes,
            epochs=epochs,
            seeds=seeds,
            mask_ratio=mask_ratio,
            rate=rate,
            out=out,
        )
        typer.echo(f"\n{comparison}\n")
        typer.echo(f"Wrote {out / 'compare.json'} and {out / 'compare.png'}.")
