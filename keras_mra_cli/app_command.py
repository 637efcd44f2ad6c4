"""`keras-mra app`: what MRA makes of a picture, on a page in the browser."""

from typing import Annotated

import typer

from keras_mra_cli.plain_errors import plain_errors


def app(
    preset: Annotated[
        str,
        typer.Argument(help="Preset with weights: name, folder or hf://OWNER/NAME."),
    ],
    host: Annotated[
        str,
        typer.Option(help="Address to listen at. 0.0.0.0 lets other machines in."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port. 0 takes a free one.")
    ] = 8600,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Show attention, kept patches and repaints of your pictures in the browser."""
    with plain_errors(lambda: "This command saves nothing."):
        # Before the weights are read: Flask may be missing.
        from keras_mra.app.serve import serve
        from keras_mra.models.trained_mae import trained_mae

        mae = trained_mae(preset)
        serve(mae, preset, host, port, open_browser=browser)
