"""`keras-mra inspect`: measures, a picture and a verdict on attention and paint."""

import pathlib
from typing import Annotated
from typing import Any

import typer
import typer.core

from keras_mra_cli.path import path
from keras_mra_cli.plain_errors import plain_errors

# Columns of the picture.
DRAWN = 8
RATIOS = "--mask-ratios"


def inspect(
    preset: Annotated[
        str,
        typer.Argument(help="Preset with weights: name, path or hf://OWNER/NAME."),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            help="fashion_mnist, digits, cifar10, cifar100, folder:PATH or tfds:NAME. "
            "Without it, one of the first four if the preset's card names it, "
            "otherwise images that come with the package."
        ),
    ] = None,
    masks: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Folder of masks of the objects, named as the images of folder:PATH. "
            "Without it, alpha channels are the masks if most images have them.",
            parser=path,
        ),
    ] = None,
    image_count: Annotated[int, typer.Option(help="Images to measure.")] = 64,
    mask_ratios: Annotated[
        str,
        typer.Option(
            help="Shares of the patches that are repainted.", metavar="SHARE..."
        ),
    ] = "0.25 0.4 0.75",
    max_megapixels: Annotated[
        float, typer.Option(help="Largest files that are read (folder:).")
    ] = 100.0,
    out: Annotated[
        pathlib.Path,
        typer.Option(
            help="Picture to write, outside of the folders of images and masks.",
            parser=path,
        ),
    ] = pathlib.Path("inspect.png"),
) -> None:
    """Measure a preset's attention and paint, draw them, and judge the attention.

    The picture shows images, the attention, the patches that stay and the repainted
    images. The last line says whether the attention sees objects, and what to do if it
    does not. With masks of the objects it is measured, without them it is a guess.
    """
    try:
        ratios = [float(word) for word in mask_ratios.replace(",", " ").split()]
    except ValueError as error:
        raise typer.BadParameter(
            f"{RATIOS} must be numbers. Received: {mask_ratios!r}"
        ) from error
    with plain_errors():
        import keras_mra
        from keras_mra import files
        from keras_mra.datasets.folder_of import folder_of
        from keras_mra.models.trained_mae import trained_mae
        from keras_mra.visualization.figure_target import figure_target
        from keras_mra_cli.inspected_images import inspected_images

        # An error here must not come after the work.
        out = figure_target(out, {"data": folder_of(data), "masks": masks})
        mae = trained_mae(preset)
        found = inspected_images(mae, preset, data, masks, image_count, max_megapixels)
        typer.echo(found.description)
        figure = keras_mra.visualization.plot_inspection(
            mae, found.images[:DRAWN], ratios
        )
        with files.replacing(out) as part:
            figure.savefig(part, dpi=120)
        typer.echo(f"Wrote {out}.\n")
        inspection = keras_mra.evaluation.inspect(
            mae, found.images, found.masks, ratios
        )
        typer.echo(str(inspection))


class InspectCommand(typer.core.TyperCommand):
    """A command whose option `--mask-ratios` takes several numbers in a row."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_ratios_in_one(args))


def _with_ratios_in_one(args: list[str]) -> list[str]:
    """Joins the numbers after `--mask-ratios` into one argument."""
    if RATIOS not in args:
        return args
    start = end = args.index(RATIOS) + 1
    while end < len(args) and _is_number(args[end]):
        end += 1
    if end == start:  # The parser names a missing value.
        return args
    return [*args[:start], " ".join(args[start:end]), *args[end:]]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
