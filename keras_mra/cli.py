"""The command line: `keras-mra demo`, `pretrain`, `augment`, `convert` and `info`."""

import pathlib
import shlex
import sys
from typing import Annotated

try:
    import typer
except ImportError:
    sys.exit("The command line needs typer: pip install 'keras-mra[cli]'")

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def commands():
    """Masked autoencoders that re-imagine images, as data augmentation."""


@app.command()
def demo(
    out: Annotated[pathlib.Path, typer.Option(help="Folder to write.")] = pathlib.Path(
        "mra-demo"
    ),
    pretrain: Annotated[
        bool, typer.Option("--pretrain", help="Train the autoencoder in this run.")
    ] = False,
    data: Annotated[str, typer.Option(help="fashion_mnist or digits.")] = (
        "fashion_mnist"
    ),
    labels_per_class: Annotated[int, typer.Option(min=1)] = 40,
    epochs: Annotated[int, typer.Option(min=2)] = 30,
    seeds: Annotated[int, typer.Option(min=1)] = 3,
    mask_ratio: Annotated[float, typer.Option(help="Share repainted.")] = 0.4,
    rate: Annotated[float, typer.Option(help="Fraction of images augmented.")] = 0.5,
):
    """Train a small CNN on few labels, without and with MRA, and compare."""
    if data not in ("fashion_mnist", "digits"):
        raise typer.BadParameter(
            f"--data must be fashion_mnist or digits. Received: {data!r}"
        )
    with _plain_errors():
        from study.demo import Settings
        from study.demo import run_demo

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
            )
        )


@app.command()
def pretrain(
    data: Annotated[
        str,
        typer.Argument(help="fashion_mnist, digits, folder:PATH or tfds:NAME"),
    ],
    out: Annotated[pathlib.Path, typer.Option(help="Preset folder to write.")],
    method: Annotated[
        str, typer.Option(help="mae, or msa for one taught by its own average.")
    ] = "mae",
    preset: Annotated[
        str, typer.Option(help="Architecture, or preset to go on from.")
    ] = "mae_mini",
    image_size: Annotated[
        str | None, typer.Option(help="SIDE, HEIGHTxWIDTH or HEIGHTxWIDTHxCHANNELS.")
    ] = None,
    patch_size: Annotated[int | None, typer.Option()] = None,
    epochs: Annotated[int, typer.Option()] = 100,
    batch_size: Annotated[int | None, typer.Option(help="256 unless given.")] = None,
    learning_rate: Annotated[
        float, typer.Option(help="Peak rate per 256 images of a batch.")
    ] = 1.5e-4,
    warmup_epochs: Annotated[
        float | None, typer.Option(help="A twentieth of the epochs unless given.")
    ] = None,
    weight_decay: Annotated[float, typer.Option()] = 0.05,
    mask_ratio: Annotated[
        float | None, typer.Option(help="Share of patches dropped.")
    ] = None,
    norm_pix_loss: Annotated[
        bool | None, typer.Option(help="Standardised targets; not for augmentors.")
    ] = None,
    crop_scale: Annotated[
        float | None,
        typer.Option(help="Smallest share of a random crop, 0.2 unless given (mae)."),
    ] = None,
    crops_per_image: Annotated[
        int, typer.Option(help="Crops of each file in one epoch (folder:, tfds:).")
    ] = 1,
    cache_side: Annotated[
        int | None,
        typer.Option(help="Keep files in memory, short side at most this (folder:)."),
    ] = None,
    checkpoint: Annotated[
        pathlib.Path | None,
        typer.Option(help="Folder to resume from and to save to, each epoch."),
    ] = None,
    tensorboard: Annotated[
        pathlib.Path | None, typer.Option(help="Folder for TensorBoard logs.")
    ] = None,
    seed: Annotated[int, typer.Option()] = 0,
):
    """Train a masked autoencoder on unlabelled images and save it as a preset."""
    if method not in ("mae", "msa"):
        raise typer.BadParameter(f"--method must be mae or msa. Received: {method!r}")
    arguments = dict(
        preset=preset,
        image_shape=_image_shape(image_size, data),
        patch_size=patch_size,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        warmup_epochs=warmup_epochs,
        weight_decay=weight_decay,
        crops_per_image=crops_per_image,
        cache_side=cache_side,
        checkpoint=checkpoint,
        tensorboard=tensorboard,
        seed=seed,
    )
    if crop_scale is not None:
        if method == "msa":
            raise typer.BadParameter("--crop-scale is for --method mae only.")
        arguments["crop_scale"] = (crop_scale, 1.0)
    if method == "msa":
        arguments["distribution"] = "auto"
    # Given only if asked for: a preset has its own.
    for name, value in {
        "mask_ratio": mask_ratio,
        "norm_pix_loss": norm_pix_loss,
    }.items():
        if value is not None:
            arguments[name] = value
    with _plain_errors():
        import keras_mra
        from keras_mra.pretrain import model_card

        # Found out before training, not after it.
        out.mkdir(parents=True, exist_ok=True)
        timer = model_card.Timer()
        if method == "msa":
            mae = keras_mra.pretrain_msa(data, **arguments).mae
        else:
            mae = keras_mra.pretrain_mae(data, **arguments)
        if not keras_mra.distribution.is_main_process():
            return
        mae.save_to_preset(out)
        command = shlex.join(["keras-mra", *sys.argv[1:]])
        model_card.write(out, mae, data, command, timer.seconds())
    typer.echo(f"Wrote the preset {out}. Use it: MAE.from_preset({str(out)!r})")


@app.command()
def augment(
    source: Annotated[pathlib.Path, typer.Argument(help="Folder tree of images.")],
    target: Annotated[pathlib.Path, typer.Argument(help="Folder to write.")],
    copies: Annotated[int, typer.Option(help="Copies of each image.")] = 1,
    preset: Annotated[
        str, typer.Option(help="Preset with weights, or a preset folder.")
    ] = "mae_nano_photos",
    mask_ratio: Annotated[float, typer.Option(help="Share repainted.")] = 0.4,
    strategy: Annotated[
        str, typer.Option(help="attention, random or low_attention.")
    ] = "attention",
    temperature: Annotated[
        float, typer.Option(help="Noise on the choice of patches; 0 is the paper.")
    ] = 1.0,
    seed: Annotated[int, typer.Option()] = 0,
    batch_size: Annotated[int, typer.Option()] = 32,
):
    """Write re-imagined copies of a folder's images, for any framework.

    Copies are lossless PNG at the original size. Files that exist are kept, so that an
    interrupted run can be run again. Exit status 2 says that some files could not be
    read; they are listed.
    """
    with _plain_errors():
        import keras_mra

        report = keras_mra.augment_folder(
            keras_mra.MAE.from_preset(preset, load_weights=True),
            source,
            target,
            copies=copies,
            mask_ratio=mask_ratio,
            strategy=strategy,
            temperature=temperature,
            seed=seed,
            batch_size=batch_size,
        )
    typer.echo(
        f"{report.written} written, {report.skipped} there already, "
        f"{len(report.failed)} failed."
    )
    for path, reason in report.failed:
        typer.echo(f"failed: {path}: {reason}", err=True)
    if report.failed:
        raise typer.Exit(2)


@app.command()
def convert(
    source: Annotated[
        str, typer.Argument(help="What MAE.from_preset takes: name, path, hf://…")
    ],
    target: Annotated[pathlib.Path, typer.Argument(help="Folder to write.")],
    to: Annotated[
        str | None,
        typer.Option(help="preset or transformers; unless given, what SOURCE is not."),
    ] = None,
    norm_pix_loss: Annotated[
        bool | None,
        typer.Option(
            help="Trained on standardised patches; for files that do not say."
        ),
    ] = None,
    encoder_heads: Annotated[
        int | None, typer.Option(help="Attention heads; for files that do not say.")
    ] = None,
    decoder_heads: Annotated[int | None, typer.Option(help="Likewise.")] = None,
):
    """Bring weights of other libraries in as a preset, or take a preset out."""
    if to not in (None, "preset", "transformers"):
        raise typer.BadParameter(
            f"--to must be preset or transformers. Received: {to!r}"
        )
    given = {
        "norm_pix_loss": norm_pix_loss,
        "encoder_heads": encoder_heads,
        "decoder_heads": decoder_heads,
    }
    arguments = {name: value for name, value in given.items() if value is not None}
    with _plain_errors():
        import keras_mra
        from keras_mra.models.presets import is_foreign

        if to is None:
            to = "preset" if is_foreign(source) else "transformers"
        mae = keras_mra.MAE.from_preset(source, load_weights=True, **arguments)
        if to == "preset":
            mae.save_to_preset(target)
        else:
            mae.export_transformers(target)
    typer.echo(f"Wrote {target}, for {'MAE.from_preset' if to == 'preset' else to}.")


@app.command()
def info(
    preset: Annotated[
        str, typer.Argument(help="What MAE.from_preset takes: name, path, hf://…")
    ],
):
    """Print what a preset is: architecture, parameters, data, range, licence."""
    with _plain_errors():
        from keras_mra.models.info import describe

        for name, value in describe(preset).items():
            typer.echo(f"{name.replace('_', ' '):18}{value}")


def _image_shape(text, data):
    """Parses SIDE, HxW or HxWxC into `(height, width, channels)`."""
    if text is None:
        return None
    try:
        numbers = [int(part) for part in text.lower().split("x")]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3:
        raise typer.BadParameter(
            f"--image-size must be SIDE, HxW or HxWxC. Received: {text!r}"
        )
    if len(numbers) == 1:
        numbers *= 2
    if len(numbers) == 2:
        numbers.append(1 if data in ("fashion_mnist", "digits") else 3)
    return tuple(numbers)


class _plain_errors:
    """Turns the package's own errors into one line and exit status 1."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, (ValueError, OSError, ImportError, FloatingPointError)):
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from error


def main():
    app()


if __name__ == "__main__":
    main()
