"""The sizes of a masked autoencoder, held to limits before anything is built.

A configuration is not trusted, and a typing error can ask for a model of
exabytes. The limits are far above every published model; they keep Keras' recursion
and the arithmetic of this module in bounds. The estimate of the memory then refuses
what no machine holds, and weights that this machine does not hold.
"""

import dataclasses
import math
from typing import Any
from typing import TypeVar

from keras_mra import checks
from keras_mra.vit import structure

# Keras' recursion fails near 350 blocks. The deepest published ViT has about 100.
MOST_BLOCKS = 200
WIDEST = 2**16
LONGEST_SIDE = 2**15
HIGHEST_MLP_RATIO = 2**10
MOST_BYTES = 10**12
Number = TypeVar("Number", int, float)
_FLOAT = 4
# A weight, its gradient and the two moments of AdamW.
_FLOATS_OF_A_WEIGHT = 4
# Arrays of the tokens' width that a block keeps for its gradient; two more have the
# hidden width of its MLP.
_ARRAYS_OF_A_BLOCK = 8


@dataclasses.dataclass(frozen=True)
class MAESizes:
    """The sizes of a masked autoencoder, checked.

    Attributes:
        image_shape: Triple of ints, `(height, width, channels)`.
        patch_size: Pair of ints.
        grid: Pair of ints, the rows and columns of patches.
        encoder_dim: Int; `encoder_depth`, `encoder_heads` and those of the decoder are
            as in `MAE`.
        mlp_ratio: Float.
    """

    image_shape: tuple[int, int, int]
    patch_size: tuple[int, int]
    grid: tuple[int, int]
    encoder_dim: int
    encoder_depth: int
    encoder_heads: int
    decoder_dim: int
    decoder_depth: int
    decoder_heads: int
    mlp_ratio: float

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all weights by path, with positions; see `vit.structure`."""
        return structure.mae_weight_shapes(vars(self))

    def parts(self) -> list[str]:
        """`"encoder"` and, if there is one, `"decoder"`."""
        return ["encoder", "decoder"] if self.decoder_depth else ["encoder"]


def check_mae_sizes(
    *,
    image_shape: Any,
    patch_size: Any,
    encoder_dim: Any,
    encoder_depth: Any,
    encoder_heads: Any,
    decoder_dim: Any,
    decoder_depth: Any,
    decoder_heads: Any,
    mlp_ratio: Any,
) -> MAESizes:
    """Checks the sizes of an `MAE`, whose arguments these are.

    Returns:
        An `MAESizes`.

    Raises:
        ValueError: If an argument is out of its range, training the model on one
            image would take more than a terabyte, or its weights alone would take
            more than the memory of this machine.
    """
    shape = checks.image_shape(image_shape)
    if max(shape) > LONGEST_SIDE:
        raise ValueError(
            f"`image_shape` must have sides and channels of at most {LONGEST_SIDE:,}. "
            f"Received: image_shape={shape}"
        )
    patch = checks.pair_of_ints("patch_size", patch_size)
    encoder_dim, encoder_heads = checks.width_and_heads(
        "encoder", at_most_wide("encoder_dim", encoder_dim), encoder_heads
    )
    decoder_dim, decoder_heads = checks.width_and_heads(
        "decoder", at_most_wide("decoder_dim", decoder_dim), decoder_heads
    )
    encoder_depth = checks.positive_int("encoder_depth", encoder_depth)
    decoder_depth = checks.nonnegative_int("decoder_depth", decoder_depth)
    ratio = checks.positive_float("mlp_ratio", mlp_ratio)
    ratio = _at_most("mlp_ratio", ratio, HIGHEST_MLP_RATIO)
    sizes = MAESizes(
        image_shape=shape,
        patch_size=patch,
        grid=checks.patch_grid(shape, patch),
        encoder_dim=encoder_dim,
        encoder_depth=_at_most("encoder_depth", encoder_depth, MOST_BLOCKS),
        encoder_heads=encoder_heads,
        decoder_dim=decoder_dim,
        decoder_depth=_at_most("decoder_depth", decoder_depth, MOST_BLOCKS),
        decoder_heads=decoder_heads,
        mlp_ratio=checks.mlp_ratio(ratio, min(encoder_dim, decoder_dim)),
    )
    _check_memory(sizes)
    return sizes


def at_most_wide(name: str, value: Any) -> int:
    """Returns the width of a layer if it is a positive integer, at most `WIDEST`."""
    return _at_most(name, checks.positive_int(name, value), WIDEST)


def _at_most(name: str, value: Number, limit: int) -> Number:
    if value > limit:
        raise ValueError(
            f"`{name}` must be at most {limit:,}. Received: {name}={value}"
        )
    return value


def _check_memory(sizes: MAESizes) -> None:
    """Refuses a model that no machine can train, or that this one cannot build."""
    needs = _bytes_by_arguments(sizes)
    if sum(needs.values()) > MOST_BYTES:
        (names, what), most = max(needs.items(), key=lambda item: item[1])
        raise ValueError(
            f"{checks.quoted(names)} must make a model that a machine holds: training "
            f"it on one image may take at most {MOST_BYTES / 1e12:g} TB. Received: "
            f"{', '.join(f'{name}={getattr(sizes, name)}' for name in names)} "
            f"({most / 1e12:,.1f} TB for {what})"
        )
    weights = _weights(sizes)
    names = _decide_weights(max(weights, key=weights.__getitem__))
    checks.weights_fit(
        sum(weights.values()), **{name: getattr(sizes, name) for name in names}
    )


def _bytes_by_arguments(
    sizes: MAESizes,
) -> dict[tuple[tuple[str, ...], str], int]:
    """Estimates the memory of training on one image.

    Returns:
        A dict from the arguments that decide, and what takes the memory, to bytes.
    """
    places = 1 + sizes.grid[0] * sizes.grid[1]
    needs: dict[tuple[tuple[str, ...], str], int] = {}
    for part, weights in _weights(sizes).items():
        dim, depth, heads = (
            getattr(sizes, f"{part}_{name}") for name in ("dim", "depth", "heads")
        )
        hidden = structure.block_sizes(dim, sizes.mlp_ratio)["hidden"]
        widths = ("image_shape", "patch_size", f"{part}_dim", f"{part}_depth")
        needs |= {
            (_decide_weights(part), f"the weights of the {part}"): (
                _FLOAT * _FLOATS_OF_A_WEIGHT * weights
            ),
            (widths, f"the tokens of the {part}"): (
                _FLOAT * places * depth * (_ARRAYS_OF_A_BLOCK * dim + 2 * hidden)
            ),
            # One block's, because kernels that save memory compute the others again.
            (
                ("image_shape", "patch_size", f"{part}_heads"),
                f"the attention of the {part}",
            ): _FLOAT * heads * places**2,
        }
    return needs


def _weights(sizes: MAESizes) -> dict[str, int]:
    """The number of weights of each part."""
    weights = dict.fromkeys(sizes.parts(), 0)
    for path, shape in sizes.weight_shapes().items():
        weights[path.partition("/")[0]] += math.prod(shape)
    return weights


def _decide_weights(part: str) -> tuple[str, ...]:
    """The arguments that decide the number of weights of a part."""
    return ("image_shape", "patch_size", f"{part}_dim", f"{part}_depth", "mlp_ratio")
