"""Checks of the sizes of a model."""

from typing import Any

from keras_mra import machine
from keras_mra.checks.check_arguments import flag
from keras_mra.checks.check_arguments import is_integer
from keras_mra.checks.check_arguments import pair_of_ints
from keras_mra.checks.check_arguments import positive_float
from keras_mra.checks.check_arguments import positive_int
from keras_mra.checks.check_arguments import quoted
from keras_mra.checks.check_arguments import share
from keras_mra.checks.check_arguments import shown

# Images are resized to at most this multiple of a model's sides: the memory of the
# attention grows with its fourth power.
MOST_TIMES = 8


def image_shape(value: Any) -> tuple[int, int, int]:
    """Returns `value` as `(height, width, channels)`."""
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        raise ValueError(
            "`image_shape` must be (height, width, channels). "
            f"Received: image_shape={value!r}"
        )
    height, width, channels = (positive_int("image_shape", v) for v in value)
    return height, width, channels


def patch_grid(
    image_shape: tuple[int, int, int], patch_size: tuple[int, int]
) -> tuple[int, int]:
    """Returns the rows and columns of patches, which are at least two patches."""
    height, width, _ = image_shape
    rows, row_rest = divmod(height, patch_size[0])
    columns, column_rest = divmod(width, patch_size[1])
    if row_rest or column_rest:
        raise ValueError(
            "`image_shape` must be divisible by `patch_size`. Received: "
            f"image_shape={image_shape}, patch_size={patch_size}"
        )
    if rows * columns == 1:
        raise ValueError(
            "`patch_size` must cut the image into at least two patches. Received: "
            f"image_shape={image_shape}, patch_size={patch_size}"
        )
    return rows, columns


def width_and_heads(part: str, dim: Any, heads: Any) -> tuple[int, int]:
    """Returns the width and the heads of a part if the heads divide the width."""
    dim = positive_int(f"{part}_dim", dim)
    heads = positive_int(f"{part}_heads", heads)
    if dim % 4:
        raise ValueError(
            f"`{part}_dim` must be divisible by 4, for the sine-cosine positions. "
            f"Received: {part}_dim={dim}"
        )
    if dim % heads:
        raise ValueError(
            f"`{part}_dim` must be divisible by `{part}_heads`. "
            f"Received: {part}_dim={dim}, {part}_heads={heads}"
        )
    return dim, heads


def mlp_ratio(value: Any, dim: int) -> float:
    """Returns `value` if blocks of width `dim` get at least one hidden unit."""
    value = positive_float("mlp_ratio", value)
    if hidden_width(dim, value) < 1:
        raise ValueError(
            "`mlp_ratio` must give at least one hidden unit. Received: "
            f"mlp_ratio={value} for a width of {dim}"
        )
    return value


def token_width(value: Any) -> int:
    """Returns `value` if tokens of this width can have sine-cosine positions."""
    if positive_int("dim", value) % 4:
        raise ValueError(
            "`dim`, the width of the tokens, must be divisible by 4, for their "
            f"positions. Received: dim={value}"
        )
    return int(value)


def layer_norm_epsilon(value: Any) -> float:
    """Returns `value` if it is a number in (0, 1]. A large one hides the variance."""
    return share("layer_norm_epsilon", value)


def hidden_width(dim: int, mlp_ratio: float) -> int:
    """The hidden width of an MLP: `dim * mlp_ratio`, rounded down."""
    # A ratio that came from a division can be an ulp below the integer it means.
    return int(dim * mlp_ratio + 1e-6)


def weights_fit(count: int, **sizes: Any) -> None:
    """Refuses float32 weights that exceed the memory of this machine.

    A model is built before its weights are read from a `.keras` file, so a small file
    could ask for all of the memory.

    Args:
        count: Int, the number of weights.
        **sizes: The arguments that decide it, which the message names.

    Raises:
        ValueError: If the machine does not hold them.
    """
    memory = machine.memory()
    if memory is not None and 4 * count > memory:
        raise ValueError(
            f"{quoted(sizes)} must make weights that fit in the memory of this "
            f"machine, {memory / 1e9:,.1f} GB. Received: "
            f"{', '.join(f'{name}={value}' for name, value in sizes.items())} "
            f"({4 * count / 1e9:,.1f} GB)"
        )


def block_index(name: str, value: Any, depth: int) -> int:
    """Returns `value` if it names one of `depth` blocks."""
    if not is_integer(value) or not -depth <= value < depth:
        raise ValueError(
            f"`{name}` must be an integer from {-depth} to {depth - 1}, one of the "
            f"encoder's {depth} blocks. Received: {name}={shown(value)}"
        )
    return int(value)


def resolution(
    value: Any,
    patch_size: tuple[int, int],
    name: str = "resolution",
    own_size: tuple[int, int] | None = None,
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns another image size as a pair, and its grid of patches.

    Args:
        value: What the caller passed.
        patch_size: Pair of ints, which must divide the size.
        name: Name of the argument in messages.
        own_size: Pair of ints, the size of the model's images, of which the size may
            be a small multiple; or `None` for no limit.
    """
    size = pair_of_ints(name, value)
    if own_size and any(s > MOST_TIMES * own for s, own in zip(size, own_size)):
        raise ValueError(
            f"`{name}` must be at most {MOST_TIMES} times the model's image size "
            f"{own_size}. Received: {name}={value}"
        )
    if size[0] % patch_size[0] or size[1] % patch_size[1]:
        raise ValueError(
            f"`{name}` must be divisible by `patch_size` {patch_size}. "
            f"Received: {name}={value}"
        )
    return size, (size[0] // patch_size[0], size[1] // patch_size[1])


def restore_patch_statistics(value: Any, norm_pix_loss: bool) -> bool:
    """Returns `value` if it is a boolean, and not `True` for other models.

    Only a model trained with `norm_pix_loss` needs the statistics.
    """
    value = flag("restore_patch_statistics", value)
    if value and not norm_pix_loss:
        raise ValueError(
            "`restore_patch_statistics` is for models trained with `norm_pix_loss`: "
            "other models paint the mean and deviation of each patch. Received: "
            "restore_patch_statistics=True and norm_pix_loss=False"
        )
    return value
