"""The mean of differences that were measured seed by seed, and its 95 % interval."""

import math
import statistics
from collections.abc import Sequence

# The 97.5 % quantiles of Student's t distribution with 1, 2, ... degrees of freedom.
T_QUANTILES = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip


def interval(values: Sequence[float], step: float = 0.0) -> tuple[float, float]:
    """The 95 % t-interval of the mean of at least two independent values.

    Args:
        values: Floats.
        step: Float, the smallest difference that the values can show. The interval
            reaches at least as far to both sides of the mean: few seeds can differ by
            the same number of test images, which does not make the mean exact.
    """
    freedom = len(values) - 1
    # From the last entry on, the quantile is at most 0.13 too large.
    quantile = T_QUANTILES[min(freedom, len(T_QUANTILES)) - 1]
    half = quantile * statistics.stdev(values) / math.sqrt(len(values))
    # Rounding must not put 0 outside of an interval that ends there.
    half = max(half, step * (1 + 1e-9))
    mean = statistics.mean(values)
    return mean - half, mean + half
