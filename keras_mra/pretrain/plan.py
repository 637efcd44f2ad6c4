"""What is about to be trained, in plain lines before the first step."""

import os

import keras

from keras_mra import datasets
from keras_mra.datasets.folder_dataset import FolderDataset
from keras_mra.datasets.subset import Subset
from keras_mra.models import MAE
from keras_mra.models import presets
from keras_mra.pretrain.recipe import Recipe
from keras_mra.pretrain.training_data import TrainingData

# More patches than this make small encoders slow: attention grows with their square.
MANY_PATCHES = 256
# A training that takes longer than this gets a hint, in seconds.
LONG = 2 * 3600


def describe_plan(
    mae: MAE,
    data: TrainingData,
    recipe: Recipe,
    batch_size: int,
    epochs_done: int,
    seconds_per_step: float,
) -> str:
    """Says what is trained, on what, how long it takes, and where a run resumes.

    Args:
        mae: `MAE` that is trained.
        data: Its data.
        recipe: How long and how fast it trains.
        batch_size: Int, the images of a batch, over all devices.
        epochs_done: Int, the epochs that a checkpoint holds.
        seconds_per_step: Float, measured.

    Returns:
        String of a few lines.
    """
    epochs, steps = recipe.epochs, data.steps_per_epoch
    height, width, _ = mae.image_shape
    rate = recipe.learning_rate * batch_size / 256
    seconds = (epochs - epochs_done) * steps * seconds_per_step
    lines = [
        ("data", _data(data)),
        (
            "images",
            f"{height}x{width}, in patches of "
            f"{mae.patch_size[0]}x{mae.patch_size[1]}: {mae.num_patches} an image",
        ),
        (
            "model",
            f"encoder {mae.encoder_dim}x{mae.encoder_depth}, decoder "
            f"{mae.decoder_dim}x{mae.decoder_depth}, {mae.count_params():,} parameters",
        ),
        (
            "training",
            f"{epochs * steps:,} steps of {batch_size} images, in {epochs} epochs; "
            f"peak learning rate {rate:.2g}",
        ),
        ("device", _device(mae.variables[0])),
        ("time", _duration(seconds)),
    ]
    if epochs_done >= epochs:
        lines.append(("resumes", f"all {epochs} epochs are done"))
    elif epochs_done:
        lines.append(("resumes", f"at epoch {epochs_done + 1} of {epochs}"))
    text = [f"{name:<9} {value}" for name, value in lines]
    text += _hints(
        mae,
        seconds,
        is_named=":" in data.name or data.name in datasets.GRAMMAR,
        keeps_state=recipe.checkpoint is not None,
    )
    return "\n".join(text)


def _data(data: TrainingData) -> str:
    batches = data.batches
    folder = batches.dataset if isinstance(batches, Subset) else batches
    if isinstance(folder, FolderDataset):
        text = f"{data.name}: {folder.num_images:,} files"
        unreadable = folder.find_unreadable()
        text += f", {len(unreadable):,} of them unreadable" if unreadable else ""
    elif hasattr(batches, "num_samples"):
        text = f"{batches.num_samples:,} images"
        text = f"{data.name}: {text}" if data.name in datasets.GRAMMAR else text
    else:
        text = f"{data.steps_per_epoch:,} batches of a {data.name}"
    if data.held_out:
        text += f"; {data.held_out} held out, to measure the paint"
    return text


def _device(variable: keras.Variable) -> str:
    if keras.backend.backend() == "torch":
        name = str(variable.value.device)
    else:
        name = ", ".join(keras.distribution.list_devices()[:4])
    cores = f", {os.cpu_count()} cores" if "cpu" in name else ""
    return f"{name}{cores}, on {keras.backend.backend()}"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {seconds:.0f} seconds"
    minutes = seconds / 60
    if minutes < 90:
        return f"about {minutes:.0f} minutes"
    return f"about {minutes / 60:.1f} hours"


def _hints(
    mae: MAE, seconds: float, is_named: bool = True, keeps_state: bool = True
) -> list[str]:
    hints = []
    smaller = "smaller images" + (" (`image_shape`, --image-size)" if is_named else "")
    if mae.num_patches >= MANY_PATCHES:
        hints.append(
            f"{mae.num_patches} patches an image are slow. Take {smaller}, or larger "
            "patches (`patch_size`, --patch-size)."
        )
    if seconds > LONG:
        is_nano = mae.encoder_dim <= presets.architecture("mae_nano")["encoder_dim"]
        others = "." if is_nano else ', or `preset="mae_nano"` (--preset mae_nano).'
        hints.append(
            f'To be done earlier, take `effort="quick"` (--effort quick), {smaller}'
            f"{others}"
        )
        if not keeps_state:
            hints.append(
                "Nothing is kept if this run is interrupted: `checkpoint` "
                "(--checkpoint) keeps its state."
            )
    return hints
