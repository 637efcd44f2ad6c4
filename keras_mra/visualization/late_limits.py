"""Limits of an axis that show how curves differ at the end of training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The axis is cut if the whole curves are this many times as high as their second half.
CUT_FROM = 3.0
MARGIN = 0.15


def late_limits(
    arms: Sequence[tuple[NDArray[Any], NDArray[Any]]],
) -> tuple[float, float] | None:
    """Limits that show the second half of all curves, or `None` for all values.

    Args:
        arms: Pairs `(x, values)`, as `draw_arms` takes them.

    Returns:
        `(low, high)`. On the side from which the curves come, there is room for as much
        again. `None` if there is one arm alone, whose course is all there is to see, or
        if the first half does not hide the second.
    """
    if len(arms) < 2:
        return None
    early_low, early_high = _extent([values for _, values in arms])
    low, high = _extent([values[:, values.shape[1] // 2 :] for _, values in arms])
    span = high - low
    if not np.isfinite([early_low, early_high]).all() or span == 0:
        return None
    if early_high - early_low < CUT_FROM * span:
        return None
    bottom = max(early_low, low - span) if early_low < low else low
    top = min(early_high, high + span) if early_high > high else high
    return bottom - MARGIN * span, top + MARGIN * span


def _extent(values: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """The lowest and highest mean minus and plus one deviation of the seeds."""
    lows, highs = [], []
    for runs in values:
        mean = runs.mean(axis=0)
        spread = runs.std(axis=0, ddof=1) if len(runs) > 1 else 0
        lows.append((mean - spread).min())
        highs.append((mean + spread).max())
    return float(min(lows)), float(max(highs))
