"""Tables that compare arms: means over the seeds, and differences seed by seed."""

import math
import statistics
from collections.abc import Sequence

from keras_mra.evaluation.result import table

# The 97.5 % quantiles of Student's t distribution with 1, 2, ... degrees of freedom.
T_QUANTILES = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip


def comparison(runs, baseline=None, unit="%"):
    """A table of errors, accuracies or other numbers, with a row for each arm.

    Args:
        runs: Dict from arms to lists, which hold a dict from names to numbers for
            each seed.
        baseline: The arm that the others are compared with, or `None`.
        unit: String. `"%"` shows shares from 0 to 1 as percentages; any other unit
            leaves the numbers as they are.

    Returns:
        A Markdown table as a string: a row of means for each arm, then, if there is
        a baseline, a row of differences for each other arm. Each difference is taken
        from the baseline's run with the same seed, and their mean has a 95 % interval.
    """
    names = list(next(iter(runs.values()))[0])
    rows = [(unit, *map(str, names))]
    for arm, its_runs in runs.items():
        cells = [_cell([run[name] for run in its_runs], unit) for name in names]
        rows.append((arm, *cells))
    if baseline is None:
        return table(rows)
    for arm, its_runs in runs.items():
        if arm == baseline:
            continue
        pairs = list(zip(its_runs, runs[baseline]))
        cells = [
            _cell([one[name] - other[name] for one, other in pairs], unit, signed=True)
            for name in names
        ]
        rows.append((f"{arm} − {baseline}", *cells))
    return table(rows)


def _cell(values, unit, signed=False):
    digits = 3
    if unit == "%":
        values, digits = [100 * value for value in values], 2
    text = mean_and_deviation(values, signed, digits)
    if not signed or len(values) == 1:
        return text
    low, high = interval(values)
    return f"{text} [{low:+.{digits}f}, {high:+.{digits}f}]"


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % t-interval of the mean of at least two independent values."""
    freedom = len(values) - 1
    # From the last entry on, the quantile is at most 0.13 too large.
    quantile = T_QUANTILES[min(freedom, len(T_QUANTILES)) - 1]
    half = quantile * statistics.stdev(values) / math.sqrt(len(values))
    mean = statistics.mean(values)
    return mean - half, mean + half


def mean_and_deviation(
    values: Sequence[float], signed: bool = False, digits: int = 2
) -> str:
    """Formats values as mean ± standard deviation, and a single value as itself."""
    mean = f"{statistics.mean(values):{'+' if signed else ''}.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(values):.{digits}f}"
