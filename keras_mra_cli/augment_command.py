"""`keras-mra augment`: augmented copies of a folder's images."""

from typing import Annotated

import typer

from keras_mra_cli.list_files import list_files
from keras_mra_cli.plain_errors import plain_errors
from keras_mra_cli.printable import printable


def augment(
    source: Annotated[
        str, typer.Argument(help="Folder tree of images: a path or a URL.")
    ],
    target: Annotated[str, typer.Argument(help="Folder to write: a path or a URL.")],
    copies: Annotated[int, typer.Option(help="Copies of each image.")] = 1,
    preset: Annotated[
        str, typer.Option(help="Preset with weights: name, folder or hf://OWNER/NAME.")
    ] = "mae_nano_photos",
    mask_ratio: Annotated[
        float, typer.Option(help="Share of the patches that are repainted.")
    ] = 0.4,
    strategy: Annotated[
        str, typer.Option(help="attention, random or low_attention.")
    ] = "attention",
    temperature: Annotated[
        float,
        typer.Option(help="Noise on the choice of patches. 0 is the paper's choice."),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the random choices.")] = 0,
    format: Annotated[
        str, typer.Option(help="png, jpeg, webp, or same: that of each file.")
    ] = "png",
    quality: Annotated[
        int, typer.Option(help="Quality of JPEG and WebP, 1 to 100.")
    ] = 90,
    include_originals: Annotated[
        bool,
        typer.Option("--include-originals", help="Put the originals into TARGET too."),
    ] = False,
    follow_links: Annotated[
        bool,
        typer.Option(
            "--follow-links", help="Follow the links in SOURCE that leave it, too."
        ),
    ] = False,
    max_megapixels: Annotated[
        float,
        typer.Option(
            help="Largest pictures that are read. One takes up to 16 MB for each "
            "megapixel, 21 MB as WebP, and 38 MB with 16 bits."
        ),
    ] = 100.0,
    batch_size: Annotated[int, typer.Option(help="Images augmented at once.")] = 32,
    engine: Annotated[
        str,
        typer.Option(
            help="local, or ray: the cluster that RAY_ADDRESS names, or the CPUs and "
            "GPUs of this machine. All machines must see both folders."
        ),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(help="Processes of ray. Default: one for each GPU, or CPU."),
    ] = None,
) -> None:
    """Write augmented copies of a folder's images, for any framework.

    SOURCE and TARGET can be URLs, such as s3://bucket/photos: docs/augment_folder.md.

    Copies have the original size and stand upright. Existing files are kept, so an
    interrupted run can be run again. TARGET holds a record of the settings, and other
    settings are refused. Exit status 2 means that some files could not be read or
    written, or were left out: links that leave SOURCE, and FIFOs. They are listed.
    """
    with plain_errors():
        import keras_mra
        from keras_mra.models.trained_mae import trained_mae

        report = keras_mra.augment_folder(
            trained_mae(preset),
            source,
            target,
            copies=copies,
            mask_ratio=mask_ratio,
            strategy=strategy,
            temperature=temperature,
            seed=seed,
            format=format,
            quality=quality,
            include_originals=include_originals,
            follow_links=follow_links,
            max_megapixels=max_megapixels,
            batch_size=batch_size,
            engine=engine,
            workers=workers,
        )
        originals = f"{report.originals} originals, " if include_originals else ""
        typer.echo(
            f"{report.written} written, {report.skipped} there already, {originals}"
            f"{len(report.failed)} failed."
            + (f" {len(report.left_out)} left out." if report.left_out else "")
        )
        for path in report.animated:
            line = f"animated: {printable(path)}: only its first frame is used"
            typer.echo(line, err=True)
        list_files(report.failed, report.left_out)
