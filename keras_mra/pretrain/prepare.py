"""`prepare`: opens the data and makes the MAE that a `pretrain_*` function trains."""

from typing import Any

from keras_mra import checks
from keras_mra.fitting_patch import fitting_patch
from keras_mra.models import MAE
from keras_mra.models import presets
from keras_mra.pretrain.data_request import DataRequest
from keras_mra.pretrain.training_data import TrainingData
from keras_mra.pretrain.training_data import training_data
from keras_mra.typing import Path
from keras_mra.typing import Size

# Files of photographs are not made smaller than this, unless the caller says so.
SMALLEST_SIDE = 64


def prepare(
    request: DataRequest,
    preset: Path,
    patch_size: Size | None,
    mae_arguments: dict[str, Any],
    defaults: dict[str, Any] | None = None,
) -> tuple[MAE, TrainingData, dict[str, Any]]:
    """Reads the first batch and makes an MAE for images of its shape.

    Args:
        request: The data to train on.
        preset: As in `pretrain_mae`. A handle is downloaded once.
        patch_size: As in `pretrain_mae`.
        mae_arguments: Arguments of `MAE` that replace the preset's.
        defaults: Arguments of `MAE` in place of an architecture's, or `None`. A preset
            with weights keeps its own.

    Returns:
        The `MAE`, the `TrainingData`, and a dict that JSON can hold: what has been
        decided of the run.

    Raises:
        ValueError: If an argument or the first batch is bad.
    """
    is_architecture = isinstance(preset, str) and preset in presets.ARCHITECTURES
    place = preset if is_architecture else presets.find(preset)
    arguments = presets.architecture(place)
    side = max(SMALLEST_SIDE, min(arguments["image_shape"][:2]))
    data = training_data(request, default_side=side)
    if request.image_shape is not None:
        checks.image_batch(data.first_images, request.image_shape, "ds")
    channels = arguments["image_shape"][2]
    if not is_architecture and data.image_shape[2] != channels:
        raise ValueError(
            f"`ds` must have images of {channels} channels, as those of the preset. "
            f"Received: images of shape {data.image_shape} and preset={str(preset)!r}. "
            f"Files are converted with `image_shape=(height, width, {channels})`."
        )
    if patch_size is None:
        patch_size = arguments["patch_size"]
        if is_architecture:  # A model with weights is bound to its patch size.
            patch_size = fitting_patch(data.image_shape)
    decided = {
        "image_shape": data.image_shape,
        "patch_size": patch_size,
        "seed": request.seed,
    }
    if is_architecture:
        decided.update(defaults or {})
    mae = MAE.from_preset(place, **{**decided, **mae_arguments})
    checks.pixel_values(data.first_images, mae.value_range, "ds")
    # Absent unless they matter, so that headers of earlier versions stay equal.
    optional = {
        "image_library": data.image_library,
        "held_out": data.held_out,
        "cache_side": request.cache_side,
        "images": data.digest,
    }
    run = {
        "model": {k: v for k, v in mae.get_config().items() if k != "name"},
        "data": data.name,
        "crop_scale": list(request.crop_scale),
        "crops_per_image": request.crops_per_image,
        "seed": request.seed,
        **{name: value for name, value in optional.items() if value},
    }
    return mae, data, run
