"""One feature of an image from the tokens of an encoder."""

from keras import ops

POOLS = ("cls+mean", "cls", "mean")


def pool_tokens(tokens, pool="cls+mean"):
    """Reduces tokens to one vector per image.

    Args:
        tokens: Float tensor of shape `(batch, 1 + patches, dim)`, class token first.
        pool: `"cls"` for the class token, `"mean"` for the mean of the patch tokens,
            `"cls+mean"` for both, one after the other.

    Returns:
        Tensor of shape `(batch, dim)`, or `(batch, 2 * dim)` for `"cls+mean"`.

    Raises:
        ValueError: If `pool` is unknown.
    """
    check_pool(pool)
    parts = []
    if pool != "mean":
        parts.append(tokens[:, 0])
    if pool != "cls":
        parts.append(ops.mean(tokens[:, 1:], axis=1))
    return ops.concatenate(parts, axis=-1)


def check_pool(pool):
    """Raises an error for an unknown `pool`."""
    if pool not in POOLS:
        raise ValueError(f"`pool` must be one of {POOLS}. Received: pool={pool!r}")
