"""A warning about mask ratios at which an autoencoder was not trained."""

import warnings

# Ratios this near to a trained one cause no warning.
TOLERANCE = 0.1

_has_warned = False


def warn_of_untrained_ratio(trained: tuple[float, float], mask_ratio: float) -> None:
    """Warns, once in a process, of a ratio far from those of the training.

    Args:
        trained: Pair of floats, the lowest and the highest ratio of the training.
        mask_ratio: Float in (0, 1), the ratio in use.
    """
    global _has_warned
    low, high = trained
    if _has_warned or low - TOLERANCE <= mask_ratio <= high + TOLERANCE:
        return
    _has_warned = True
    seen = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    warnings.warn(
        f"`mae` was trained at a mask ratio of {seen} and may paint worse at others. "
        f"Received: mask_ratio={mask_ratio:g}. Train it with "
        f"`mask_ratio=({min(low, mask_ratio):g}, {max(high, mask_ratio):g})`. This "
        "warning appears once.",
        stacklevel=3,
    )
