"""Choice of the patches that stay visible.

The strategy `attention` is the one of MRA: it keeps the patches that the class token
attends to most. `low_attention` keeps the least attended patches, and `random` ignores
the attention. A temperature adds Gumbel noise to the choice: 0 adds none, and a large
temperature makes the choice uniformly random.
"""

import math
from typing import Any

from keras import ops
from keras import random

from keras_mra import backend
from keras_mra import checks
from keras_mra.typing import Array
from keras_mra.typing import Seed

STRATEGIES = ("attention", "random", "low_attention")
# The most ratios that one batch is trained at, evenly spaced over a range.
MOST_RATIOS = 4


def num_visible(num_patches: int, mask_ratio: float) -> int:
    """Number of patches kept: `num_patches - round(num_patches * mask_ratio)`.

    Args:
        num_patches: Int, the patches of an image.
        mask_ratio: Float in (0, 1), the share of patches to drop.

    Raises:
        ValueError: If the ratio is not in (0, 1), or keeps or drops no patch.

    Example:

    >>> keras_mra.masking.num_visible(196, mask_ratio=0.75)
    49
    """
    num_patches = checks.positive_int("num_patches", num_patches)
    check_ratio(mask_ratio)
    kept = num_patches - round(num_patches * mask_ratio)
    if not 0 < kept < num_patches:
        what = "drop" if kept == num_patches else "keep"
        raise ValueError(
            "`mask_ratio` must keep and drop at least one patch. Received: "
            f"mask_ratio={mask_ratio}, which would {what} none of the "
            f"{num_patches} patches."
        )
    return kept


def ratio_range(mask_ratio: Any) -> tuple[float, float]:
    """The lowest and the highest mask ratio of a training.

    Args:
        mask_ratio: Float in (0, 1), or a pair of them, `(low, high)`.

    Returns:
        A pair of floats. They are equal for a float.

    Raises:
        ValueError: If `mask_ratio` is neither.

    Example:

    >>> keras_mra.masking.ratio_range((0.4, 0.75))
    (0.4, 0.75)
    """
    if checks.is_number(mask_ratio):
        ratio = check_ratio(mask_ratio)
        return (ratio, ratio)
    is_pair = isinstance(mask_ratio, (tuple, list)) and len(mask_ratio) == 2
    is_pair = is_pair and all(map(checks.is_number, mask_ratio))
    if not is_pair or not 0 < mask_ratio[0] <= mask_ratio[1] < 1:
        raise ValueError(
            "`mask_ratio` must be a number in (0, 1), or a pair of them, the lower "
            f"first. Received: mask_ratio={mask_ratio!r}"
        )
    low, high = mask_ratio
    return (float(low), float(high))


def visible_counts(num_patches: int, mask_ratio: Any) -> tuple[int, ...]:
    """Numbers of visible patches at which a model is trained, the highest first.

    Args:
        num_patches: Int, the patches of an image.
        mask_ratio: Float in (0, 1), or a pair of them, `(low, high)`.

    Returns:
        One int for a float. For a pair, the distinct numbers at four evenly spaced
        ratios from `low` to `high`.

    Raises:
        ValueError: If `mask_ratio` is neither, or a ratio keeps or drops no patch.

    Example:

    >>> keras_mra.masking.visible_counts(64, (0.4, 0.75))
    (38, 31, 23, 16)
    """
    low, high = ratio_range(mask_ratio)
    if low == high:
        return (num_visible(num_patches, low),)
    # Both ends are exact, and refused as a single ratio is.
    ratios = [low + (high - low) * i / (MOST_RATIOS - 1) for i in range(MOST_RATIOS)]
    counts = [num_visible(num_patches, ratio) for ratio in (*ratios[:-1], high)]
    return tuple(dict.fromkeys(counts))


def check_ratio(mask_ratio: Any) -> float:
    """Returns `mask_ratio` as a float if it is a number in (0, 1)."""
    return checks.number(
        "mask_ratio",
        mask_ratio,
        "in (0, 1)" if checks.is_number(mask_ratio) else "a number in (0, 1)",
        low=math.ulp(0.0),
        high=math.nextafter(1.0, 0.0),
    )


def check_strategy(strategy: str, temperature: float) -> None:
    """Refuses unknown strategies, and temperatures that are negative or not finite."""
    checks.choice("strategy", strategy, STRATEGIES)
    checks.nonnegative_float("temperature", temperature)


def visible_patches(
    attention: Array,
    mask_ratio: float,
    strategy: str = "attention",
    temperature: float = 0.0,
    seed: Seed = None,
) -> Array:
    """Chooses the patches that stay visible.

    Args:
        attention: Float tensor of shape `(batch, patches)`, the attention paid to each
            patch, finite and at least 0. The strategy `"random"` uses only its shape.
            The values of a concrete tensor are checked.
        mask_ratio: Float in (0, 1), the share of patches to drop.
        strategy: `"attention"` keeps the most attended patches, `"low_attention"`
            the least attended ones, and `"random"` any.
        temperature: Float, at least 0, the scale of the Gumbel noise that is added to
            the logarithm of the attention. The patches are then a sample without
            replacement, with probabilities proportional to
            `attention ** (1 / temperature)`.
        seed: Int, `keras.random.SeedGenerator` or `None`, as in `keras.random`.

    Returns:
        Int32 tensor of shape `(batch, kept)`: distinct patch indices, best first.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> attention = np.array([[0.1, 0.4, 0.2, 0.3]], "float32")
    >>> keras_mra.masking.visible_patches(attention, mask_ratio=0.5)
    [[1, 3]]
    """
    check_strategy(strategy, temperature)
    seed = backend.folded_seed(checks.seed_or_generator(seed))
    attention = ops.convert_to_tensor(checks.as_array("attention", attention))
    if strategy != "random":
        checks.nonnegative_values("attention", attention)
    return ranked_patches(attention, mask_ratio, strategy, temperature, seed)


def ranked_patches(
    attention: Array,
    mask_ratio: float,
    strategy: str = "attention",
    temperature: float = 0.0,
    seed: Seed = None,
) -> Array:
    """Does what `visible_patches` does, without a look at the values of `attention`.

    No step of a training waits until an accelerator has computed the attention.

    Args:
        attention: Float tensor of shape `(batch, patches)`.
        mask_ratio: As in `visible_patches`.
        strategy: As in `visible_patches`.
        temperature: As in `visible_patches`.
        seed: As in `keras.random`.

    Returns:
        Int32 tensor of shape `(batch, kept)`.
    """
    check_strategy(strategy, temperature)
    attention = checks.as_array("attention", attention)
    if len(attention.shape) != 2 or attention.shape[1] is None:
        raise ValueError(
            "`attention` must have shape (batch, patches) with a known number of "
            f"patches. Received: shape {tuple(attention.shape)}"
        )
    kept = num_visible(attention.shape[1], mask_ratio)
    if strategy == "random":
        return random_patches(
            ops.shape(attention)[0], attention.shape[1], kept, seed=seed
        )
    # Float32, because bfloat16 has too few values to rank the patches of a ViT's grid.
    scores = ops.cast(attention, "float32")
    sign = 1.0 if strategy == "attention" else -1.0
    if temperature == 0:
        return _best(sign * scores, kept)
    # The smallest positive float keeps a patch without attention last, but drawable.
    logits = sign * ops.log(ops.maximum(scores, 1e-37))
    uniform = random.uniform(
        ops.shape(scores), minval=1e-12, maxval=1.0, dtype="float32", seed=seed
    )
    return _best(logits - float(temperature) * ops.log(-ops.log(uniform)), kept)


def random_patches(
    batch_size: int | Array, num_patches: int, kept: int, seed: Seed = None
) -> Array:
    """Chooses patches uniformly at random, separately for each image.

    Args:
        batch_size: Int or scalar tensor.
        num_patches: Int, the patches of an image.
        kept: Int from 1 to `num_patches`, the number of patches that stay visible.
        seed: As in `keras.random`.

    Returns:
        Int32 tensor of shape `(batch_size, kept)`: distinct patch indices.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    ```python
    visible = keras_mra.masking.random_patches(8, num_patches=196, kept=49, seed=0)
    ```
    """
    if checks.is_number(batch_size):  # and no tensor
        checks.nonnegative_int("batch_size", batch_size)
    num_patches = checks.positive_int("num_patches", num_patches)
    expected = f"an integer from 1 to `num_patches`, {num_patches}"
    kept = checks.integer("kept", kept, 1, expected, high=num_patches)
    seed = backend.folded_seed(checks.seed_or_generator(seed))
    noise = random.uniform((batch_size, num_patches), dtype="float32", seed=seed)
    return _best(noise, kept)


def _best(scores: Array, kept: int) -> Array:
    """The indices of the `kept` largest scores of each row."""
    # `argsort`, because `top_k` orders ties differently on each backend.
    order = ops.argsort(-scores, axis=-1)  # (B, N)
    return ops.cast(order[:, :kept], "int32")
