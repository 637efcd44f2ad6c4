"""Checkpoints of other libraries in an `MAE`, and an `MAE` in Hugging Face's form."""

import pathlib
import warnings

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra import weights
from keras_mra.positions import resize_positions
from keras_mra.positions import sincos_2d
from keras_mra.vit.encoder import blocks

# Positions that are as near to the sine-cosine ones as float16 comes are those.
TOLERANCE = 1e-3
POSITIONS = ("encoder/positions", "decoder/positions")
BLOCK = (
    "norm1", "query", "key", "value", "output_projection", "norm2", "mlp_in", "mlp_out",
)  # fmt: skip


def load_checkpoint(cls, path, load_weights, overrides):
    """Makes a model of class `cls` from a checkpoint of another library.

    Args:
        cls: `MAE`.
        path: File or folder, as in `keras_mra.weights.read_checkpoint`.
        load_weights: Bool or `None`, as in `MAE.from_preset`.
        overrides: Dict of arguments of `MAE` that replace the checkpoint's.

    Returns:
        An `MAE`.
    """
    checkpoint = weights.read_checkpoint(path, overrides)
    found = dict(checkpoint.arguments)
    keeps_decoder = found["decoder_depth"] and overrides.get("decoder_depth") != 0
    if not keeps_decoder:
        found = {k: v for k, v in found.items() if not k.startswith("decoder_")}
        found["decoder_depth"] = 0
    grid = tuple(s // p for s, p in zip(found["image_shape"], found["patch_size"]))
    arrays = checkpoint.weights(decoder=bool(keeps_decoder))
    positions = {name: arrays.pop(name) for name in POSITIONS if name in arrays}
    learned = not all(_is_sincos(p, grid) for p in positions.values())
    found["positions"] = "learned" if learned else "sincos"
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
            arrays[name] = _resized(table, grid, model.grid)
        # The class token has one place: its position is a part of it.
        first, arrays["encoder/positions"] = np.split(arrays["encoder/positions"], [1])
        arrays["encoder/class_token"] = arrays["encoder/class_token"] + first[0]
    variables = named_weights(model)
    for name, array in arrays.items():
        variables[name].assign(array)
    return model


def export_transformers(model, path):
    """Writes a folder that Hugging Face loads; see `MAE.export_transformers`."""
    height, width, _ = model.image_shape
    if height != width or model.patch_size[0] != model.patch_size[1]:
        raise ValueError(
            "Hugging Face's ViTMAE takes square images and patches alone. Received: "
            f"image_shape={model.image_shape}, patch_size={model.patch_size}"
        )
    folder = pathlib.Path(path)
    if "registered_name" in weights.read_json(folder / "config.json"):
        raise ValueError(
            f"`path` must be another folder: {str(folder)!r} holds a preset of Keras, "
            "whose configuration would be overwritten."
        )
    patches = ops.convert_to_numpy(model.encoder.get_layer("patch_embedding").table())
    arrays = {
        name: ops.convert_to_numpy(variable)
        for name, variable in named_weights(model).items()
    }
    arrays["encoder/positions"] = np.pad(patches, ((1, 0), (0, 0)))  # class token: 0
    if model.decoder is not None:
        table = model.decoder.get_layer("restore_tokens").table()
        arrays["decoder/positions"] = ops.convert_to_numpy(table)
    weights.write_vit_mae(folder, model.get_config(), arrays)


def named_weights(model):
    """The weights of an `MAE` as a dict from the names that layouts use."""
    found = {}

    def add(name, layer):
        for variable in layer.weights:
            found[f"{name}/{variable.name}"] = variable

    embedding = model.encoder.get_layer("patch_embedding")
    add("encoder/patch_embedding/projection", embedding.projection)
    if model.positions == "learned":
        found["encoder/positions"] = embedding.position_weight
    found["encoder/class_token"] = model.encoder.get_layer("class_token").token
    parts = {"encoder": model.encoder, "decoder": model.decoder}
    if model.decoder is None:
        del parts["decoder"]
    else:
        restore = model.decoder.get_layer("restore_tokens")
        add("decoder/embedding", model.decoder.get_layer("embedding"))
        found["decoder/mask_token"] = restore.token
        if model.positions == "learned":
            found["decoder/positions"] = restore.position_weight
        add("decoder/pixels", model.decoder.get_layer("pixels"))
    for name, part in parts.items():
        add(f"{name}/norm", part.get_layer("norm"))
        for i, block in enumerate(blocks(part)):
            for layer in BLOCK:
                add(f"{name}/block_{i}/{layer}", getattr(block, layer))
    return found


def _refuse_other_architecture(path, found, overrides, keeps_decoder):
    """Names the overrides that no weights of the checkpoint could fit."""
    given = dict(overrides)
    if "patch_size" in given:
        given["patch_size"] = checks.pair_of_ints("patch_size", given["patch_size"])
    fixed = ["patch_size", "mlp_ratio", "encoder_dim", "encoder_depth", "encoder_heads"]
    if keeps_decoder:
        fixed += ["decoder_dim", "decoder_depth", "decoder_heads"]
    if found["positions"] == "learned":
        fixed.append("positions")
    for name in fixed:
        if given.get(name, found[name]) != found[name]:
            raise ValueError(
                f"`{name}` must be {found[name]!r}, as in {str(path)!r}, or "
                f"`load_weights` be False. Received: {name}={overrides[name]!r}"
            )
    channels = found["image_shape"][-1]
    shape = checks.image_shape(given.get("image_shape", found["image_shape"]))
    if shape[-1] != channels:
        raise ValueError(
            f"`image_shape` must have {channels} channel(s), as {str(path)!r} has. "
            f"Received: image_shape={overrides['image_shape']!r}"
        )


def _refuse_other_training(path, positions, grid, overrides):
    """Refuses what may be any ViT, such as DINO's: it has the same tensors."""
    # As near as bfloat16 comes.
    fixed = _is_sincos(positions["encoder/positions"], grid, tolerance=5e-3)
    if not fixed and overrides.get("positions") != "learned":
        raise ValueError(
            f"{str(path)!r} must hold an MAE. Received: a ViT without a decoder whose "
            "positions are learned, which no published MAE's are; it may be DINO's or "
            "a classifier's. To use it as an encoder all the same, pass "
            "`positions='learned'`."
        )


def _warn_of_targets(path, overrides):
    if "norm_pix_loss" not in overrides:
        warnings.warn(
            f"{str(path)!r} does not say whether it was trained on standardised "
            "patches. It is taken for one that was not, such as the published "
            "'visualize' ones; if it was, it paints wrongly until you pass "
            "`norm_pix_loss=True`.",
            stacklevel=4,
        )


def _is_sincos(positions, grid, tolerance=TOLERANCE):
    expected = np.pad(sincos_2d(positions.shape[1], grid), ((1, 0), (0, 0)))
    return (
        positions.shape == expected.shape
        and np.abs(positions - expected).max() < tolerance
    )


def _resized(positions, grid, new_grid):
    """Positions `(1 + patches, dim)` for another grid, the class token's as it is."""
    if grid == new_grid:
        return positions
    return np.concatenate(
        [positions[:1], resize_positions(grid, new_grid) @ positions[1:]]
    )
