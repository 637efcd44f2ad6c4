"""What every `pretrain_*` function does first: read the data, make the MAE for them."""

from keras_mra import checks
from keras_mra.models import MAE
from keras_mra.models.presets import ARCHITECTURES
from keras_mra.models.presets import architecture
from keras_mra.pretrain.training_data import training_data

# A grid of 32x32: attention costs the square of it.
MOST_PATCHES = 1024


def prepare(
    ds, preset, *, image_shape, patch_size, batch_size, crop, crop_scale,
    crops_per_image, cache_side, steps_per_epoch, seed, mae_arguments,
):  # fmt: skip
    """Reads the first batch and makes an untrained MAE that fits it.

    Args:
        As in `pretrain_mae`; `crop` as in `keras_mra.datasets.load`.

    Returns:
        The `MAE`, the `TrainingData`, and a dict that JSON can hold: what defines the
        run so far.

    Raises:
        ValueError: If an argument or the first batch is bad.
    """
    arguments = architecture(preset)
    data = training_data(
        ds,
        batch_size,
        image_shape,
        steps_per_epoch,
        checks.seed(seed) or 0,
        cache_side,
        crops_per_image,
        crop_scale,
        crop=crop,
        default_side=min(arguments["image_shape"][:2]),
    )
    if image_shape is not None:
        checks.image_batch(data.first_images, checks.image_shape(image_shape), "ds")
    if patch_size is None:
        patch_size = arguments["patch_size"]
        if str(preset) in ARCHITECTURES:  # One with weights has learned its patches.
            patch_size = fitting_patch(data.image_shape, patch_size)
    mae = MAE.from_preset(
        preset,
        **{
            "image_shape": data.image_shape,
            "patch_size": patch_size,
            "seed": seed,
            **mae_arguments,
        },
    )
    checks.pixel_values(data.first_images, mae.value_range, "ds")
    run = {
        "model": {k: v for k, v in mae.get_config().items() if k != "name"},
        "data": data.name,
        "crop_scale": list(crop_scale),
        "crops_per_image": crops_per_image,
        "seed": seed,
    }
    return mae, data, run


def fitting_patch(image_shape, patch_size):
    """The given patch if it makes at least 7x7 patches, else the largest that does.

    Raises:
        ValueError: If none does without making more patches than anyone would want.
    """
    height, width, _ = image_shape
    preferred = checks.pair_of_ints("patch_size", patch_size)
    sides = range(max(min(height, width) // 7, 1), 0, -1)
    for ph, pw in [preferred, *((side, side) for side in sides)]:
        if height % ph or width % pw:
            continue
        grid = (height // ph, width // pw)
        if (min(grid) >= 7 or (ph, pw) == (1, 1)) and grid[0] * grid[1] <= MOST_PATCHES:
            return (ph, pw)
    raise ValueError(
        f"`patch_size` must be given for images of {height}x{width} pixels: no square "
        "cuts them into 7x7 to 32x32 patches. Received: patch_size=None"
    )
