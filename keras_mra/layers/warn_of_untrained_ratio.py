"""A warning about mask ratios at which an autoencoder was not trained."""

import warnings

# Ratios this near to a trained one cause no warning.
TOLERANCE = 0.1

_has_warned = False


def warn_of_untrained_ratio(trained: tuple[float, float], mask_ratio: float) -> None:
    """Warns, once in a process, of a ratio outside the range of the training.

    A model that was trained at a single ratio causes no warning: MAE's 0.75, used at
    another ratio, is what the paper does.

    Args:
        trained: Pair of floats, the lowest and the highest ratio of the training.
        mask_ratio: Float in (0, 1), the ratio in use.
    """
    global _has_warned
    low, high = trained
    if low == high or _has_warned:
        return
    if low - TOLERANCE <= mask_ratio <= high + TOLERANCE:
        return
    _has_warned = True
    warnings.warn(
        f"`mae` was trained at mask ratios of {low:g} to {high:g} and may paint "
        "worse at others. "
        f"Received: mask_ratio={mask_ratio:g}. Train it with "
        f"`mask_ratio=({min(low, mask_ratio):g}, {max(high, mask_ratio):g})`. This "
        "warning appears once.",
        stacklevel=3,
    )
