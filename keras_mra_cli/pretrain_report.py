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
    mae: "MAE", out: pathlib.Path, data: str, held_out: int
) -> tuple["Inspection", str]:
    """Measures attention and paint, and draws `preview.png` beside the preset.

    Args:
        mae: The trained `MAE`.
        out: Folder of its preset.
        data: Name of the data.
        held_out: Int, how many images the caller asked to hold out.

    Returns:
        The result of `evaluation.inspect`, and a line about the images.
    """
    from keras_mra import evaluation
    from keras_mra import files
    from keras_mra import visualization
    from keras_mra_cli.inspected_images import inspected_images

    found = inspected_images(mae, str(out), data, None, _count(data, held_out))
    figure = visualization.plot_inspection(mae, found.images[:DRAWN], RATIOS)
    with files.replacing(out / "preview.png") as part:
        figure.savefig(part, dpi=120)
    result = evaluation.inspect(mae, found.images, found.masks, RATIOS)
    return result, found.description


def print_report(
    inspection: "Inspection", description: str, out: pathlib.Path, data: str
) -> None:
    """Prints the verdicts in words, what was written, and what to type next."""
    typer.echo(f"\nMeasured on {description}")
    for sentence in (*inspection.paint_verdicts, inspection.attention_verdict):
        typer.echo(sentence)
    typer.echo(f"\nWrote the preset {out}, with README.md and preview.png. Next:")
    preset = shlex.quote(str(out))
    kind, _, path = data.partition(":")
    images = shlex.quote(path) if kind == "folder" else "IMAGES"
    for command in (
        f"keras-mra augment {images} augmented --preset {preset}",
        f"keras-mra app {preset}",
    ):
        typer.echo(f"  {command}")
    typer.echo(f"or in Python: layers.MaskReconstruct(MAE.from_preset({str(out)!r}))")


def _count(data: str, held_out: int) -> int:
    """How many images to measure: those held out, where the data have no test split."""
    from keras_mra.datasets.find_images import find_images
    from keras_mra.datasets.held_out import held_out_count

    kind, _, path = data.partition(":")
    root = pathlib.Path(path).expanduser()
    has_splits = (root / "train").is_dir() and (root / "test").is_dir()
    if kind != "folder" or has_splits:
        return MEASURED
    # `inspected_images` and `pretrain_*` choose the same images for the same number.
    return max(2, held_out_count(len(find_images(root)), held_out) or MEASURED)
