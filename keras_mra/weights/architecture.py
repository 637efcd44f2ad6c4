"""Which `MAE` a checkpoint is of: from its shapes, its configuration, or convention."""

import math
import re

from keras_mra import checks
from keras_mra import masking

# Heads are in no shape: those of the ViTs that were published, by width.
HEADS = {
    "encoder_heads": {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16},
    "decoder_heads": {512: 16},
}
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
MASK_RATIO = 0.75


def arguments(path, layout, shapes, config, preprocessor):
    """The arguments of `MAE` for a checkpoint, but for the numbers of heads.

    Args:
        path: For messages.
        layout: Module that knows the names.
        shapes: Dict from the layout's names to shapes.
        config: Dict that the layout's `configuration` made of a file, or empty.
        preprocessor: Dict of `preprocessor_config.json`, or empty.

    Returns:
        Dict; `decoder_depth` is 0 where there is no decoder. `image_shape` is the
        checkpoint's own.

    Raises:
        ValueError: If the shapes contradict each other or the configuration.
    """
    width, channels, *patch = _shape(path, shapes, layout.PATCHES, 4)
    count = _shape(path, shapes, layout.POSITIONS[0], 3)[1] - 1
    grid = _grid(path, count, patch, config.get("image_size"))
    found = {
        "image_shape": (grid[0] * patch[0], grid[1] * patch[1], channels),
        "patch_size": tuple(patch),
        "encoder_dim": width,
        "encoder_depth": _depth(shapes, layout.BLOCKS[0]),
        "decoder_depth": _depth(shapes, layout.BLOCKS[1]),
        "layer_norm_epsilon": config.get("layer_norm_epsilon", 1e-6),
        "norm_pix_loss": config.get("norm_pix_loss", False),
        "mask_ratio": _mask_ratio(config.get("mask_ratio"), grid),
        **_statistics(path, preprocessor, channels),
    }
    hidden = _shape(path, shapes, layout.BLOCKS[0] + layout.HIDDEN, 1)[0]
    found["mlp_ratio"] = hidden / width
    if found["decoder_depth"]:
        found["decoder_dim"] = _shape(path, shapes, layout.POSITIONS[1], 3)[2]
        hidden = _shape(path, shapes, layout.BLOCKS[1] + layout.HIDDEN, 1)[0]
        if hidden / found["decoder_dim"] != found["mlp_ratio"]:
            raise ValueError(
                f"{str(path)!r} has blocks {found['mlp_ratio']:g} times as wide inside "
                f"in the encoder and {hidden / found['decoder_dim']:g} times in the "
                "decoder; an MAE here has one `mlp_ratio`."
            )
    _check_declared(path, found, config.get("declared", {}))
    return found


def heads(path, found, config, overrides):
    """The numbers of heads, which no shape tells.

    Args:
        path, config: As in `arguments`.
        found: Dict that `arguments` returned.
        overrides: Dict of arguments that are given.

    Returns:
        Dict with `encoder_heads` and, where there is a decoder, `decoder_heads`.

    Raises:
        ValueError: If neither the configuration nor the overrides tell them, and no
            published model has that width.
    """
    result = {}
    for name, table in HEADS.items():
        width = found.get(name.replace("heads", "dim"))
        dropped = name == "decoder_heads" and overrides.get("decoder_depth") == 0
        if width is None or dropped:
            continue
        result[name] = config.get(name) or overrides.get(name) or table.get(width)
        if result[name] is None:
            raise ValueError(
                f"`{name}` must be given: {str(path)!r} does not say it, and no "
                f"published model is {width} wide."
            )
    return result


def weight_shapes(found):
    """Shapes of an `MAE`'s weights by our names, of which none has to be made.

    Args:
        found: Dict that `arguments` returned.
    """
    rows, columns = (s // p for s, p in zip(found["image_shape"], found["patch_size"]))
    values = math.prod(found["patch_size"]) * found["image_shape"][-1]
    dim, places = found["encoder_dim"], 1 + rows * columns
    shapes = {
        **_dense("encoder/patch_embedding/projection", values, dim),
        "encoder/class_token": (1, 1, dim),
        "encoder/positions": (places, dim),
        **_stack("encoder", dim, found["encoder_depth"], found["mlp_ratio"]),
    }
    if not found["decoder_depth"]:
        return shapes
    width = found["decoder_dim"]
    return {
        **shapes,
        **_dense("decoder/embedding", dim, width),
        "decoder/mask_token": (width,),
        "decoder/positions": (places, width),
        **_stack("decoder", width, found["decoder_depth"], found["mlp_ratio"]),
        **_dense("decoder/pixels", width, values),
    }


def _stack(part, dim, depth, mlp_ratio):
    hidden = checks.hidden_width(dim, mlp_ratio)
    shapes = _norm(f"{part}/norm", dim)
    for i in range(depth):
        block = f"{part}/block_{i}"
        for name in ("norm1", "norm2"):
            shapes |= _norm(f"{block}/{name}", dim)
        for name in ("query", "key", "value", "output_projection"):
            shapes |= _dense(f"{block}/{name}", dim, dim)
        shapes |= _dense(f"{block}/mlp_in", dim, hidden)
        shapes |= _dense(f"{block}/mlp_out", hidden, dim)
    return shapes


def _dense(name, inputs, outputs):
    return {f"{name}/kernel": (inputs, outputs), f"{name}/bias": (outputs,)}


def _norm(name, dim):
    return {f"{name}/gamma": (dim,), f"{name}/beta": (dim,)}


def _shape(path, shapes, name, rank):
    shape = shapes.get(name)
    if shape is None or len(shape) != rank or 0 in shape:
        raise ValueError(
            f"{str(path)!r} must have a tensor {name!r} of rank {rank}. Received: "
            + ("none" if shape is None else f"shape {shape}")
        )
    return shape


def _depth(shapes, prefix):
    """The number of blocks whose names start with a prefix, such as `"blocks.0."`."""
    pattern = re.compile(re.escape(prefix).replace("0", r"(\d+)", 1))
    # Counted, for a number in a name may be as large as it likes.
    return len({m[1] for m in map(pattern.match, shapes) if m})


def _grid(path, count, patch, image_size):
    """Rows and columns of the patches, whose number the positions tell."""
    if image_size is None:
        grid = (math.isqrt(max(count, 0)),) * 2
    else:
        try:
            size = checks.pair_of_ints("image_size", image_size)
        except ValueError as error:
            raise ValueError(f"The configuration of {str(path)!r}: {error}") from error
        grid = tuple(side // p for side, p in zip(size, patch))
    if count < 1 or grid[0] * grid[1] != count:
        told = f"images of {image_size}" if image_size else "a square"
        raise ValueError(
            f"{str(path)!r} has positions of {count} patches of {patch[0]}x{patch[1]} "
            f"pixels, which do not make up {told}."
        )
    return grid


def _check_declared(path, found, declared):
    """Compares what a configuration says with what the tensors are.

    A file that lost its last block is a whole one of a shallower model otherwise.
    """
    found = {**found, "channels": found["image_shape"][-1]}
    if not found["decoder_depth"]:
        declared = {k: v for k, v in declared.items() if not k.startswith("decoder")}
    for name, value in declared.items():
        if name == "patch_size" and isinstance(value, int):
            value = (value, value)
        value = tuple(value) if isinstance(value, list) else value
        if value != found[name]:
            raise ValueError(
                f"{str(path)!r} must have tensors of {name}={value!r}, as its "
                f"configuration says. Received: tensors of {name}={found[name]!r}"
            )


def _mask_ratio(value, grid):
    """The ratio if a model can be trained with it, else MAE's."""
    try:
        masking.num_visible(grid[0] * grid[1], value)
    except ValueError:
        return MASK_RATIO
    return value


def _statistics(path, preprocessor, channels):
    """Mean and deviation in the 0 to 1 scale of images of 0 to 255."""
    scale = preprocessor.get("rescale_factor", 1 / 255)
    if preprocessor.get("do_rescale") is False:
        scale = 1
    try:
        scale = 255 * checks.positive_float("rescale_factor", scale)
        mean, std = (preprocessor.get(f"image_{name}") for name in ("mean", "std"))
        if preprocessor.get("do_normalize") is False:
            mean, std = 0.0, 1.0
        elif mean is None or std is None:
            return dict(IMAGENET) if channels == 3 else {"mean": None, "std": None}
        mean = checks.channel_statistics("image_mean", mean, channels)
        std = checks.channel_statistics("image_std", std, channels, positive=True)
    except ValueError as error:
        raise ValueError(f"The preprocessor of {str(path)!r}: {error}") from error
    if abs(scale - 1) > 1e-6:  # (x * factor - mean) / std is ours of x / 255
        mean, std = ([v / scale for v in values] for values in (mean, std))
    if preprocessor.get("do_normalize") is False and abs(scale - 1) <= 1e-6:
        return {"mean": None, "std": None}
    return {"mean": tuple(mean), "std": tuple(std)}
