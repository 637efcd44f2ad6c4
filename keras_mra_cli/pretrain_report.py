"""What `keras-mra pretrain` says and writes at its end."""

import pathlib
import shlex
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from keras_mra.evaluation.inspect import Inspection
    from keras_mra.models import MAE

# The default ratio of `MaskReconstruct`, and the ratio of the papers' pretraining.
RATIOS = (0.4, 0.75)
# Columns of the picture, and images measured.
DRAWN, MEASURED = 8, 64


def measure(
    mae: "MAE", out: pathlib.Path, data: str, held_out: int, max_megapixels: float
) -> tuple["Inspection", str]:
    """Measures attention and paint, and draws `preview.png` beside the preset.

    Args:
        mae: The trained `MAE`.
        out: Folder of its preset.
        data: Name of the data.
        held_out: Int, how many images the caller asked to hold out.
        max_megapixels: Float, the largest files that are read, in millions of pixels.

    Returns:
        The result of `evaluation.inspect`, and a line about the images.
    """
    from keras_mra import evaluation
    from keras_mra import files
    from keras_mra import visualization
    from keras_mra_cli.inspected_images import inspected_images

    count, is_new = _images_to_measure(data, held_out)
    found = inspected_images(mae, str(out), data, None, count, max_megapixels)
    description = found.description
    if not is_new:
        description = f"{description[:-1]}. The training used them too."
    figure = visualization.plot_inspection(mae, found.images[:DRAWN], RATIOS)
    with files.replacing(out / "preview.png") as part:
        figure.savefig(part, dpi=120)
    result = evaluation.inspect(mae, found.images, found.masks, RATIOS)
    return result, description


def print_verdicts(inspection: "Inspection", description: str) -> None:
    """Prints the verdicts in words, warnings to the standard error."""
    typer.echo(f"\nMeasured on {description}")
    for sentence in (*inspection.paint_verdicts, inspection.attention_verdict):
        typer.echo(sentence, err=sentence.startswith("Warning"))


def print_next(out: pathlib.Path, data: str) -> None:
    """Prints what was written, and what to type next."""
    from keras_mra.datasets.splits_of import splits_of

    typer.echo(f"\nWrote the preset {out}. Next:")
    preset = shlex.quote(str(out))
    kind, _, path = data.partition(":")
    images = "IMAGES"
    if kind == "folder":
        training, test = splits_of(pathlib.Path(path).expanduser())
        # A test split is not augmented.
        images = shlex.quote(path if test is None else str(training))
    target = shlex.quote(f"augmented_by_{out.name}")
    for command in (
        f"keras-mra app {preset}",
        f"keras-mra augment {images} {target} --preset {preset}",
    ):
        typer.echo(f"  {command}")
    typer.echo(f"or in Python: layers.MaskReconstruct(MAE.from_preset({str(out)!r}))")


def _images_to_measure(data: str, held_out: int) -> tuple[int, bool]:
    """How many images to measure, and whether they are new to the autoencoder."""
    from keras_mra.datasets.find_images import find_images
    from keras_mra.datasets.held_out import held_out_count
    from keras_mra.datasets.splits_of import splits_of

    kind, _, path = data.partition(":")
    if kind == "folder":
        training, test = splits_of(pathlib.Path(path).expanduser())
        if test is None:
            # `inspected_images` and `pretrain_*` choose the same images for a number.
            count = held_out_count(len(find_images(training).paths), held_out)
            return count or MEASURED, count > 0
    return MEASURED, True
