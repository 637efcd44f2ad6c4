"""Conversion of an `MAE` from other libraries' weights, and to Hugging Face's form."""

import functools
import math
import pathlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra import files
from keras_mra import weights
from keras_mra.models.check_weights import check_loaded
from keras_mra.positions import resize_positions
from keras_mra.positions import sincos_2d
from keras_mra.typing import Path
from keras_mra.vit import structure
from keras_mra.weights.mae_arguments import grid_of
from keras_mra.weights.name_table import NumpyArray

# Fixed positions that were saved as float16, and as bfloat16, differ by less than this.
TOLERANCE = 1e-3
BFLOAT16_TOLERANCE = 5e-3
POSITIONS = ("encoder/positions", "decoder/positions")


def load_checkpoint(
    cls: Any, path: Path, load_weights: bool | None, overrides: dict[str, Any]
) -> Any:
    """Makes a model from a checkpoint of another library.

    Args:
        cls: `MAE`.
        path: File or folder, as in `keras_mra.weights.read_checkpoint`.
        load_weights: Bool or `None`, as in `MAE.from_preset`.
        overrides: Dict of arguments of `MAE` that replace the checkpoint's.

    Returns:
        An `MAE`.

    Raises:
        ValueError: If the checkpoint is damaged or not an MAE's, or its weights do not
            fit the overrides.
    """
    checkpoint = weights.read_checkpoint(path, overrides)
    found = dict(checkpoint.arguments)
    keeps_decoder = found["decoder_depth"] and overrides.get("decoder_depth") != 0
    if not keeps_decoder:
        found = {k: v for k, v in found.items() if not k.startswith("decoder_")}
        found["decoder_depth"] = 0
    height, width, channels = found["image_shape"]
    grid = (height // found["patch_size"][0], width // found["patch_size"][1])
    arrays = checkpoint.weights(decoder=bool(keeps_decoder))
    positions = {name: arrays.pop(name) for name in POSITIONS if name in arrays}
    grids = [grid]
    asked = grid_of(overrides.get("image_shape"), found["patch_size"])
    if asked and not checkpoint.is_configured and math.prod(asked) == math.prod(grid):
        # The file does not say that its images were square.
        grids.append(asked)
    fixed = [g for g in grids if all(_is_sincos(p, g) for p in positions.values())]
    grid = (fixed or grids[-1:])[0]
    found["positions"] = "sincos" if fixed else "learned"
    sides = (n * p for n, p in zip(grid, found["patch_size"]))
    found["image_shape"] = (*sides, channels)
    if load_weights is False:
        return cls(**{**found, **overrides})
    if not (keeps_decoder or checkpoint.is_configured):
        _refuse_other_training(path, positions, grid, overrides)
    _refuse_other_architecture(path, found, overrides, keeps_decoder)
    if keeps_decoder and not checkpoint.is_configured:
        _warn_of_targets(path, overrides)
    model = cls(**{**found, **overrides})
    if model.positions == "learned":
        for name, table in positions.items():
            arrays[name] = resized(table, grid, model.grid)  # (1 + N, dim)
        # The model has no position for the encoder's class token: the token has it.
        first, arrays["encoder/positions"] = np.split(arrays["encoder/positions"], [1])
        arrays["encoder/class_token"] = arrays["encoder/class_token"] + first[0]
    variables = named_weights(model)
    for name, array in arrays.items():
        variables[name].assign(array)
    check_loaded(model, path)
    return model


def export_transformers(model: Any, path: Path) -> None:
    """Writes a folder that Hugging Face loads; see `MAE.export_transformers`."""
    checks.path("path", path, "folder")
    height, width, _ = model.image_shape
    if height != width or model.patch_size[0] != model.patch_size[1]:
        raise ValueError(
            "`image_shape` and `patch_size` must be square for Hugging Face's ViTMAE. "
            f"Received: image_shape={model.image_shape}, patch_size={model.patch_size}"
        )
    if model.smooth_fill and model.decoder is not None:
        raise ValueError(
            "`smooth_fill` must be False for Hugging Face's ViTMAE, whose decoder "
            "predicts whole patches. Received: an MAE with smooth_fill=True. The "
            "encoder alone can be exported: load the preset with `decoder_depth=0`."
        )
    folder = pathlib.Path(path)
    config = files.read_json(folder / "config.json", missing_ok=True)
    if "registered_name" in config:
        raise ValueError(
            f"`path` must be another folder: {str(folder)!r} holds a preset of Keras, "
            "whose configuration would be overwritten."
        )
    arrays = {
        name: ops.convert_to_numpy(variable)
        for name, variable in named_weights(model).items()
    }
    patches = ops.convert_to_numpy(model.encoder.get_layer("patch_embedding").table())
    # The class token's position is 0: (1 + N, dim)
    arrays["encoder/positions"] = np.pad(patches, ((1, 0), (0, 0)))
    if model.decoder is not None:
        table = model.decoder.get_layer("restore_tokens").table()
        arrays["decoder/positions"] = ops.convert_to_numpy(table)
    weights.write_vit_mae(folder, model.get_config(), arrays)


def named_weights(model: Any) -> dict[str, Any]:
    """The weights of an `MAE`, by the paths of `vit.structure`.

    Fixed positions are not weights. Learned positions of the encoder have shape
    `(patches, dim)`; those of the decoder, `(1 + patches, dim)`.
    """
    found = {}
    specs = structure.mae_layers(model.encoder_depth, model.decoder_depth)
    for path, spec in specs.items():
        if isinstance(spec, structure.Positions) and model.positions != "learned":
            continue
        part, _, place = path.partition("/")
        if isinstance(spec, (structure.Token, structure.Positions)):
            place = spec.place
        layer, *attributes = place.split("/")
        holder = getattr(model, part).get_layer(layer)
        holder = functools.reduce(getattr, attributes, holder)
        if isinstance(spec, (structure.Token, structure.Positions)):
            found[path] = holder
        else:
            variables = {variable.name: variable for variable in holder.weights}
            for name in spec.weights():
                found[structure.weight_path(path, name)] = variables[name]
    return found


def _refuse_other_architecture(
    path: Path,
    found: Mapping[str, Any],
    overrides: Mapping[str, Any],
    keeps_decoder: bool,
) -> None:
    """Refuses overrides that the checkpoint's weights do not fit."""
    given = dict(overrides)
    if "patch_size" in given:
        given["patch_size"] = checks.pair_of_ints("patch_size", given["patch_size"])
    fixed = ["patch_size", "mlp_ratio", "encoder_dim", "encoder_depth", "encoder_heads"]
    if keeps_decoder:
        fixed += ["decoder_dim", "decoder_depth", "decoder_heads"]
    if found["positions"] == "learned":
        fixed.append("positions")
    for name in fixed:
        if name in given and given[name] != found[name]:
            raise ValueError(
                f"`{name}` must be {found[name]!r}, as in {str(path)!r}, or "
                f"`load_weights` must be False. Received: {name}={overrides[name]!r}"
            )
    channels = found["image_shape"][-1]
    shape = checks.image_shape(given.get("image_shape", found["image_shape"]))
    if shape[-1] != channels:
        raise ValueError(
            f"`image_shape` must have {channels} channel(s), as {str(path)!r} has. "
            f"Received: image_shape={overrides['image_shape']!r}"
        )


def _refuse_other_training(
    path: Path,
    positions: Mapping[str, NumpyArray],
    grid: tuple[int, int],
    overrides: Mapping[str, Any],
) -> None:
    """Refuses an encoder that may be another ViT, such as DINO's: the names agree."""
    fixed = _is_sincos(positions["encoder/positions"], grid, BFLOAT16_TOLERANCE)
    if not fixed and overrides.get("positions") != "learned":
        raise ValueError(
            f"{str(path)!r} must hold an MAE. Received: a ViT without a decoder and "
            "with learned positions. Published MAEs have fixed positions; this ViT may "
            "be DINO's or a classifier's. To use it as an encoder, pass "
            "`positions='learned'`."
        )


def _warn_of_targets(path: Path, overrides: Mapping[str, Any]) -> None:
    if "norm_pix_loss" not in overrides:
        warnings.warn(
            f"{str(path)!r} does not say whether the model was trained with "
            "`norm_pix_loss`. `norm_pix_loss=False` is assumed, as for the published "
            "'visualize' files. If the model was trained with it, pass "
            "`norm_pix_loss=True`; otherwise the painted patches are wrong.",
            stacklevel=4,
        )


def _is_sincos(
    positions: NumpyArray, grid: tuple[int, int], tolerance: float | None = None
) -> bool:
    """Whether positions `(1 + patches, dim)` are the fixed sine-cosine ones."""
    if tolerance is None:
        low_bits = positions.astype("float32").view("uint32") & 0xFFFF
        tolerance = TOLERANCE if low_bits.any() else BFLOAT16_TOLERANCE
    expected = np.pad(sincos_2d(positions.shape[1], grid), ((1, 0), (0, 0)))
    return bool(
        positions.shape == expected.shape
        and np.abs(positions - expected).max() < tolerance
    )


def resized(
    positions: NumpyArray, grid: tuple[int, int], new_grid: tuple[int, int]
) -> NumpyArray:
    """Resizes positions `(1 + patches, dim)`; the class token's stays as it is."""
    if grid == new_grid:
        return positions
    return np.concatenate(
        [positions[:1], resize_positions(grid, new_grid) @ positions[1:]]
    )
