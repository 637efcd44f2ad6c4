"""Which patches stay visible (MRA, section "attention-based masking").

The paper keeps the patches that the class token attends to most. `low_attention` is
its counter-example (figure 2), `random` the masking of MAE itself. A temperature
perturbs the choice with Gumbel noise: 0 is the paper, large is uniformly random.
"""

import math

import numpy as np
from keras import ops
from keras import random

STRATEGIES = ("attention", "random", "low_attention")


def num_visible(num_patches, mask_ratio):
    """Number of patches kept: `num_patches - round(num_patches * mask_ratio)`.

    Raises:
        ValueError: If the ratio is not in (0, 1), or keeps or drops no patch.
    """
    if isinstance(mask_ratio, bool) or not isinstance(
        mask_ratio, (int, float, np.number)
    ):
        raise ValueError(
            "`mask_ratio` must be a number in (0, 1). "
            f"Received: mask_ratio={mask_ratio!r}"
        )
    if not 0 < mask_ratio < 1:
        raise ValueError(
            f"`mask_ratio` must be in (0, 1). Received: mask_ratio={mask_ratio}"
        )
    kept = num_patches - round(num_patches * mask_ratio)
    if not 0 < kept < num_patches:
        what = "drop" if kept == num_patches else "keep"
        raise ValueError(
            "`mask_ratio` must keep and drop at least one patch. Received: "
            f"mask_ratio={mask_ratio}, which would {what} none of the "
            f"{num_patches} patches."
        )
    return kept


def check_strategy(strategy, temperature):
    """Refuses unknown strategies and temperatures that are no noise level."""
    if strategy not in STRATEGIES:
        raise ValueError(
            f"`strategy` must be one of {STRATEGIES}. Received: strategy={strategy!r}"
        )
    is_number = isinstance(temperature, (int, float, np.number)) and not isinstance(
        temperature, bool
    )
    if not is_number or not 0 <= temperature < math.inf:
        raise ValueError(
            "`temperature` must be a finite number, at least 0. "
            f"Received: temperature={temperature!r}"
        )


def visible_patches(
    attention, mask_ratio, strategy="attention", temperature=0.0, seed=None
):
    """Chooses the patches that stay visible.

    Args:
        attention: Float tensor of shape `(batch, patches)`, attention paid to each
            patch, at least 0. With `strategy="random"` only its shape is used.
        mask_ratio: Float in (0, 1), the share of patches to drop.
        strategy: `"attention"` keeps the most attended patches, `"low_attention"`
            the least attended, `"random"` any.
        temperature: Float, at least 0: Gumbel noise of this scale is added to the
            log attention before the top-k, which samples without replacement with
            probabilities proportional to `attention ** (1 / temperature)`.
        seed: Int, `keras.random.SeedGenerator` or `None`, as in `keras.random`.

    Returns:
        Int32 tensor of shape `(batch, kept)`, distinct patch indices, the first
        choice first.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> attention = np.array([[0.1, 0.4, 0.2, 0.3]], "float32")
    >>> keras_mra.masking.visible_patches(attention, mask_ratio=0.5)
    [[1, 3]]
    """
    check_strategy(strategy, temperature)
    attention = ops.convert_to_tensor(attention)
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
    # Scores in float32: bfloat16 cannot tell the patches of a ViT grid apart.
    scores = ops.cast(attention, "float32")
    sign = 1.0 if strategy == "attention" else -1.0
    if temperature == 0:
        return _best(sign * scores, kept)
    # The smallest positive float keeps an unattended patch last, but drawable.
    logits = sign * ops.log(ops.maximum(scores, 1e-37))
    uniform = random.uniform(
        ops.shape(scores), minval=1e-12, maxval=1.0, dtype="float32", seed=seed
    )
    return _best(logits - temperature * ops.log(-ops.log(uniform)), kept)


def random_patches(batch_size, num_patches, kept, seed=None):
    """Chooses patches uniformly at random, for each image anew.

    Args:
        batch_size: Int or scalar tensor.
        num_patches: Int.
        kept: Int, how many patches stay visible.
        seed: As in `keras.random`.

    Returns:
        Int32 tensor of shape `(batch_size, kept)`, distinct patch indices.
    """
    noise = random.uniform((batch_size, num_patches), dtype="float32", seed=seed)
    return _best(noise, kept)


def _best(scores, kept):
    # `argsort`, because `top_k` orders ties differently on each backend.
    order = ops.argsort(-scores, axis=-1)
    return ops.cast(order[:, :kept], "int32")
