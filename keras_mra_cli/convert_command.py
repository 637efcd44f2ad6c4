"""`keras-mra convert`: weights of other libraries to a preset, and back."""

import pathlib
from typing import Annotated

import typer

from keras_mra_cli.path import path
from keras_mra_cli.plain_errors import plain_errors


def convert(
    source: Annotated[
        str, typer.Argument(help="Name, path or hf://OWNER/NAME of the weights.")
    ],
    target: Annotated[
        pathlib.Path, typer.Argument(help="Folder to write.", parser=path)
    ],
    to: Annotated[
        str | None,
        typer.Option(help="preset or transformers. The default is what SOURCE is not."),
    ] = None,
    norm_pix_loss: Annotated[
        bool | None,
        typer.Option(
            help="Whether the model was trained on standardised patches, for files "
            "that do not say."
        ),
    ] = None,
    encoder_heads: Annotated[
        int | None,
        typer.Option(help="The encoder's attention heads, for files that do not say."),
    ] = None,
    decoder_heads: Annotated[
        int | None,
        typer.Option(help="The decoder's attention heads, for files that do not say."),
    ] = None,
    positions: Annotated[
        str | None,
        typer.Option(
            help="learned takes an encoder with learned positions, which may be that "
            "of another ViT than an MAE."
        ),
    ] = None,
) -> None:
    """Convert weights of other libraries to a preset, or a preset to theirs."""
    if to not in (None, "preset", "transformers"):
        raise typer.BadParameter(
            f"--to must be preset or transformers. Received: {to!r}"
        )
    given = {
        "norm_pix_loss": norm_pix_loss,
        "encoder_heads": encoder_heads,
        "decoder_heads": decoder_heads,
        "positions": positions,
    }
    arguments = {name: value for name, value in given.items() if value is not None}
    with plain_errors():
        import keras_mra
        from keras_mra import files
        from keras_mra.models.presets import check_writable
        from keras_mra.models.presets import is_foreign
        from keras_mra.weights.write import NAMES

        if to is None:
            to = "preset" if is_foreign(source) else "transformers"
        # An error here must not come after the download.
        if to == "preset":
            check_writable("target", target)
        else:
            files.probe_folder("target", target, tuple(NAMES))
        mae = keras_mra.MAE.from_preset(source, load_weights=True, **arguments)
        if to == "preset":
            mae.save_to_preset(target)
        else:
            mae.export_transformers(target)
        reader = "MAE.from_preset" if to == "preset" else to
        typer.echo(f"Wrote {target}, for {reader}.")
