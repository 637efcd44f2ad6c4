"""The autoencoder of a comparison: shipped or given, whether it fits, or pretrained."""

import pathlib

from keras_mra import masking
from keras_mra.comparison.arms import MRASettings
from keras_mra.comparison.arms import layers_of
from keras_mra.comparison.comparison_data import ComparisonData
from keras_mra.comparison.comparison_settings import ComparisonSettings
from keras_mra.fitting_patch import fitting_patch
from keras_mra.models import MAE
from keras_mra.pretrain.pretrain_mae import pretrain_mae
from keras_mra.typing import ImageShape

# Images of a side up to this one suit an autoencoder for 32 pixels better than one for
# 64: they are enlarged or shrunk less.
SMALL_SIDE = 45
# What `pretrained_autoencoder` writes.
AUTOENCODER, CHECKPOINT = "autoencoder", "autoencoder.checkpoint"


def suitable_preset(image_shape: ImageShape) -> str:
    """The name of the shipped preset that suits images of a shape."""
    height, width, channels = image_shape
    if channels == 1:
        return "mae_nano_fashion_mnist"
    return (
        "mae_nano_photos_32" if max(height, width) <= SMALL_SIDE else "mae_nano_photos"
    )


def check_autoencoder(
    mae: MAE, place: str, data: ComparisonData, settings: ComparisonSettings
) -> None:
    """Refuses an autoencoder with which the arms, or its pretraining, would fail.

    Args:
        mae: `MAE`, the preset's.
        place: String, the name or path of the preset.
        data: `ComparisonData`.
        settings: `ComparisonSettings`.

    Raises:
        ValueError: If the preset, or the mask ratio with it, does not suit the images.
    """
    channels, pretrained = data.image_shape[2], settings.pretrain is not None
    # The attention to grey images can be taught by an autoencoder for colours.
    if mae.image_shape[2] != channels and not (pretrained and channels == 1):
        raise ValueError(
            f"`preset` must be for images of {channels} channels, as those of `data` "
            f"are. Received: {place!r}, for {mae.image_shape[2]} channels"
        )
    if pretrained:
        masking.num_visible(_patches(data.image_shape), settings.mask_ratio)
        return
    masking.num_visible(mae.num_patches, settings.mask_ratio)
    try:
        for arm in settings.arms:
            mra = MRASettings(mae, settings.mask_ratio, settings.rate)
            layers_of(arm, mra, mae.value_range, 0)
    except ValueError as error:
        raise ValueError(f"`preset` {place!r} does not suit the arms: {error}") from (
            error
        )


def check_nothing_pretrained(folder: pathlib.Path) -> None:
    """Refuses a folder that holds an autoencoder, but no records of its training.

    The comparison would use it, although other images or another teacher trained it.

    Args:
        folder: Path of a folder without records.

    Raises:
        ValueError: If there is one, or the checkpoint of one.
    """
    left = [name for name in (AUTOENCODER, CHECKPOINT) if (folder / name).exists()]
    if left:
        raise ValueError(
            "`out` must be a new folder, or that of the same comparison. Received: "
            f"out={str(folder)!r}, which holds {' and '.join(left)} of another one. "
            "Give another `out`, or delete them."
        )


def pretrained_autoencoder(
    data: ComparisonData,
    teacher: str,
    effort: str,
    folder: pathlib.Path,
    verbose: bool,
) -> tuple[MAE, str]:
    """Trains an autoencoder on the training images, or loads that of an earlier start.

    Args:
        data: `ComparisonData`.
        teacher: String, the name or path of the preset whose attention is taught.
        effort: `"quick"`, `"good"` or `"best"`.
        folder: Path of the folder for the autoencoder and its checkpoint.
        verbose: Bool.

    Returns:
        `(mae, place)`: the `MAE`, and the path of its preset.
    """
    place = folder / AUTOENCODER
    if not place.is_dir():
        mae = pretrain_mae(
            data.train[0],
            "mae_nano",
            effort=effort,
            attention_teacher=teacher,
            checkpoint=folder / CHECKPOINT,
            verbose=2 if verbose else 0,
        )
        mae.save_to_preset(place)
    return MAE.from_preset(place), str(place)


def _patches(image_shape: ImageShape) -> int:
    """The patches of an autoencoder that is trained on images of a shape."""
    try:
        height, width = fitting_patch(image_shape)
    except ValueError as error:
        raise ValueError(
            "`image_size` must be a side that `pretrain` can cut into patches, such as "
            "32 or another multiple of 8. Received: images of "
            f"{image_shape[0]}x{image_shape[1]} pixels"
        ) from error
    return image_shape[0] * image_shape[1] // (height * width)
