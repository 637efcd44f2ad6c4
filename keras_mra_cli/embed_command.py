"""`keras-mra embed`: the features of a folder's images, in a Parquet file."""

from typing import Annotated

import typer

from keras_mra_cli.list_files import list_files
from keras_mra_cli.plain_errors import plain_errors


def embed(
    source: Annotated[
        str, typer.Argument(help="Folder tree of images: a path or a URL.")
    ],
    out: Annotated[
        str, typer.Argument(help="Path or URL of the file to write: NAME.parquet.")
    ],
    preset: Annotated[
        str, typer.Option(help="Preset with weights: name, folder or hf://OWNER/NAME.")
    ] = "mae_nano_photos",
    pool: Annotated[
        str,
        typer.Option(
            help="cls: the class token, mean: the mean of the patches, or cls+mean."
        ),
    ] = "cls+mean",
    batch_size: Annotated[int, typer.Option(help="Images embedded at once.")] = 256,
    follow_links: Annotated[
        bool,
        typer.Option(
            "--follow-links", help="Follow the links in SOURCE that leave it, too."
        ),
    ] = False,
    max_megapixels: Annotated[
        float, typer.Option(help="Largest pictures that are read.")
    ] = 100.0,
    engine: Annotated[
        str,
        typer.Option(
            help="local, or ray: the cluster that RAY_ADDRESS names, or the CPUs and "
            "GPUs of this machine. All machines must see SOURCE."
        ),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            help="Threads that read images, or processes of ray. Default: one for each "
            "CPU, or for each GPU of ray."
        ),
    ] = None,
) -> None:
    """Compute the features of a folder's images once.

    SOURCE and OUT can be URLs, such as s3://bucket/photos: docs/augment_folder.md.

    OUT has a row for each image: its path below SOURCE, its class where the images lie
    in folders, and its features. keras_mra.evaluation.read_features and pandas read it.
    It appears when it is complete. An interrupted run can be run again, and goes on.
    Exit status 2 means that some files could not be read, or were left out: links that
    leave SOURCE, and FIFOs. They are listed.
    """
    with plain_errors():
        from keras_mra import evaluation
        from keras_mra.evaluation.feature_target import feature_target
        from keras_mra.models.trained_mae import trained_mae

        # An error here must not come after the work.
        feature_target(out)
        report = evaluation.embed_folder(
            trained_mae(preset),
            source,
            out,
            pool=pool,
            batch_size=batch_size,
            follow_links=follow_links,
            max_megapixels=max_megapixels,
            engine=engine,
            workers=workers,
        )
        typer.echo(
            f"{report.written} images in {out}, {len(report.failed)} failed."
            + (f" {len(report.left_out)} left out." if report.left_out else "")
        )
        list_files(report.failed, report.left_out)
