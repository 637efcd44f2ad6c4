"""The arguments of the `MAE` that another library's checkpoint holds.

They come from the tensors' shapes, the configuration, and published models.
"""

import math
import pathlib
import re
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_mra import checks
from keras_mra import masking
from keras_mra.weights import verify
from keras_mra.weights.name_table import NameTable
from keras_mra.weights.name_table import Shape

# No shape tells the number of heads: these are the published ViTs' numbers, by width.
HEADS = {
    "encoder_heads": {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16},
    "decoder_heads": {512: 16},
}
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
MASK_RATIO = 0.75


def mae_arguments(
    path: pathlib.Path,
    table: NameTable,
    shapes: Mapping[str, Shape],
    config: Mapping[str, Any],
    preprocessor: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments of `MAE` for a checkpoint, except for the numbers of heads.

    Args:
        path: The file of tensors, for messages.
        table: The library's names.
        shapes: The tensors' shapes, by the table's names.
        config: Settings that the layout's `configuration` found; may be empty.
        preprocessor: Content of `preprocessor_config.json`; may be empty.
        overrides: Arguments of `MAE` that the caller gives. The `image_shape` among
            them decides the grid of a number of patches that is no square.

    Returns:
        A dict. `image_shape` is the checkpoint's own; `decoder_depth` is 0 if the
        checkpoint has no decoder.

    Raises:
        ValueError: If the shapes contradict each other, or a setting is out of range.
    """

    def shape_of(layer: str, weight: str, rank: int) -> Shape:
        name = table.layer_name(layer) + weight
        return verify.required_shape(path, shapes, name, rank)

    projection = shape_of("encoder/patch_embedding/projection", ".weight", 4)
    width, channels, *patch = projection
    num_patches = shape_of("encoder/positions", "", 3)[1] - 1
    asked = grid_of(overrides.get("image_shape"), patch)
    grid = _grid(path, num_patches, patch, config.get("image_size"), asked)
    found = {
        "image_shape": (grid[0] * patch[0], grid[1] * patch[1], channels),
        "patch_size": tuple(patch),
        "encoder_dim": width,
        "encoder_depth": _depth(shapes, table.blocks["encoder"]),
        "decoder_depth": _depth(shapes, table.blocks["decoder"]),
        "mlp_ratio": shape_of("encoder/block_0/mlp_in", ".bias", 1)[0] / width,
        "layer_norm_epsilon": config.get("layer_norm_epsilon", 1e-6),
        "norm_pix_loss": config.get("norm_pix_loss", False),
        "mask_ratio": _mask_ratio(config.get("mask_ratio"), grid),
        **_statistics(path, preprocessor, channels),
    }
    if found["decoder_depth"]:
        found["decoder_dim"] = shape_of("decoder/positions", "", 3)[2]
        hidden = shape_of("decoder/block_0/mlp_in", ".bias", 1)[0]
        ratios = found["mlp_ratio"], hidden / found["decoder_dim"]
        # Hidden widths are rounded down, so that the larger quotient is nearer to the
        # ratio of both. It must give both widths.
        ratio = found["mlp_ratio"] = max(ratios)
        given = [checks.hidden_width(n, ratio) for n in (width, found["decoder_dim"])]
        if given != [round(width * ratios[0]), hidden]:
            raise ValueError(
                f"{str(path)!r} must have one ratio of the MLPs' hidden width to the "
                "tokens' width, because `MAE` has one `mlp_ratio`. Received: "
                f"{ratios[0]:g} in the encoder, {ratios[1]:g} in the decoder"
            )
    return found


def mae_heads(
    path: pathlib.Path,
    found: Mapping[str, Any],
    config: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> dict[str, int]:
    """The numbers of heads, which no shape tells.

    Args:
        path: The file of tensors, for messages.
        found: What `mae_arguments` returned.
        config: Settings that the layout's `configuration` found; may be empty.
        overrides: Arguments of `MAE` that the caller gives.

    Returns:
        A dict with `encoder_heads` and, if there is a decoder, `decoder_heads`.

    Raises:
        ValueError: If the configuration states no positive integer, or neither it nor
            the caller states a number, and no published model has that width.
    """
    result = {}
    for name, published in HEADS.items():
        width = found.get(name.replace("heads", "dim"))
        dropped = name == "decoder_heads" and overrides.get("decoder_depth") == 0
        if width is None or dropped:
            continue
        number = config.get(name)
        if number:
            try:
                number = checks.positive_int(name, number)
            except ValueError as error:
                raise ValueError(
                    f"The configuration of {str(path)!r}: {error}"
                ) from error
        number = number or overrides.get(name) or published.get(width)
        if number is None:
            raise ValueError(
                f"`{name}` must be given for {str(path)!r}: the file does not state "
                f"it, and no published model has a width of {width}. Received: none"
            )
        result[name] = number
    return result


def _depth(shapes: Iterable[str], blocks: str) -> int:
    """The number of blocks, whose names start as `"blocks.0."` does."""
    pattern = re.compile(re.escape(blocks) + r"\.(\d+)\.")
    # Blocks are counted, because a name can hold any number.
    return len({match[1] for match in map(pattern.match, shapes) if match})


def grid_of(image_shape: Any, patch: Sequence[int]) -> tuple[int, int] | None:
    """Rows and columns of patches in an image that a caller asks for, if any."""
    if image_shape is None:
        return None
    height, width, _ = checks.image_shape(image_shape)
    return height // patch[0], width // patch[1]


def _grid(
    path: pathlib.Path,
    num_patches: int,
    patch: list[int],
    image_size: Any,
    asked: tuple[int, int] | None,
) -> tuple[int, ...]:
    """Rows and columns of patches, from their number and the size of the image."""
    if image_size is None:
        grid: tuple[int, ...] = (math.isqrt(max(num_patches, 0)),) * 2
        if math.prod(grid) != num_patches and asked is not None:
            grid = asked
    else:
        try:
            size = checks.pair_of_ints("image_size", image_size)
        except ValueError as error:
            raise ValueError(f"The configuration of {str(path)!r}: {error}") from error
        grid = tuple(side // p for side, p in zip(size, patch))
    if num_patches < 1 or grid[0] * grid[1] != num_patches:
        image = f"an image of {image_size} pixels" if image_size else "a square image"
        if image_size is None:
            image += ", or `from_preset` must be given the `image_shape`"
        raise ValueError(
            f"{str(path)!r} must have the positions of {image}. Received: positions "
            f"of {num_patches} patches of {patch[0]}x{patch[1]} pixels"
        )
    return grid


def _mask_ratio(value: Any, grid: tuple[int, ...]) -> float:
    """The ratio if a model can be trained with it, else MAE's."""
    try:
        masking.num_visible(grid[0] * grid[1], value)
    except ValueError:
        return MASK_RATIO
    return float(value)


def _statistics(
    path: pathlib.Path, preprocessor: Mapping[str, Any], channels: int
) -> dict[str, tuple[float, ...] | None]:
    """The `mean` and `std` of `MAE`, from a preprocessor for images of 0 to 255.

    The preprocessor computes `(x * factor - mean) / std`, and `MAE`,
    `(x / 255 - mean) / std`.
    """
    factor = preprocessor.get("rescale_factor", 1 / 255)
    if preprocessor.get("do_rescale") is False:
        factor = 1
    # Transformers' own defaults are 0.5.
    mean, std = (
        0.5 if preprocessor.get(name) is None else preprocessor[name]
        for name in ("image_mean", "image_std")
    )
    normalises = preprocessor.get("do_normalize") is not False
    if not normalises:
        mean, std = 0.0, 1.0
    try:
        scale = 255 * checks.positive_float("rescale_factor", factor)
        scale = 1.0 if abs(scale - 1) <= 1e-6 else scale
        if not preprocessor:
            return dict(IMAGENET) if channels == 3 else {"mean": None, "std": None}
        if not normalises and scale == 1:
            return {"mean": None, "std": None}
        means = checks.channel_statistics("image_mean", mean, channels)
        stds = checks.channel_statistics("image_std", std, channels, positive=True)
    except ValueError as error:
        raise ValueError(f"The preprocessor of {str(path)!r}: {error}") from error
    assert means is not None and stds is not None
    return {
        "mean": tuple(v / scale for v in means),
        "std": tuple(v / scale for v in stds),
    }
