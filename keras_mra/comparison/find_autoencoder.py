"""`find_autoencoder`: the autoencoder of a comparison, shipped, given or pretrained."""

import pathlib

from keras_mra import checks
from keras_mra.comparison.comparison_data import ComparisonData
from keras_mra.models import MAE
from keras_mra.pretrain.default_recipe import STEPS
from keras_mra.pretrain.pretrain_mae import pretrain_mae
from keras_mra.typing import ImageShape
from keras_mra.typing import Path

# Images of a side up to this one suit an autoencoder for 32 pixels better than one for
# 64: they are enlarged or shrunk less.
SMALL_SIDE = 45


def find_autoencoder(
    data: ComparisonData,
    preset: Path | None,
    pretrain: str | None,
    folder: pathlib.Path,
    verbose: bool,
) -> tuple[MAE, str]:
    """Loads an autoencoder, or trains it on the training images.

    Args:
        data: `ComparisonData`.
        preset: As in `compare`.
        pretrain: As in `compare`.
        folder: Path of the folder for a pretrained autoencoder and its checkpoint.
        verbose: Bool.

    Returns:
        `(mae, place)`: the `MAE`, and the name or path of its preset.

    Raises:
        ValueError: If an argument is bad, or the preset has no weights.
    """
    chosen = suitable_preset(data.image_shape) if preset is None else str(preset)
    if pretrain is None:
        return MAE.from_preset(chosen), chosen
    effort = checks.choice("pretrain", pretrain, tuple(STEPS))
    place = folder / "autoencoder"
    if not place.is_dir():
        mae = pretrain_mae(
            data.train[0],
            "mae_nano",
            effort=effort,
            attention_teacher=chosen,
            checkpoint=folder / "autoencoder.checkpoint",
            verbose=2 if verbose else 0,
        )
        mae.save_to_preset(place)
    return MAE.from_preset(place), str(place)


def suitable_preset(image_shape: ImageShape) -> str:
    """The name of the shipped preset that suits images of a shape."""
    height, width, channels = image_shape
    if channels == 1:
        return "mae_nano_fashion_mnist"
    return (
        "mae_nano_photos_32" if max(height, width) <= SMALL_SIDE else "mae_nano_photos"
    )
