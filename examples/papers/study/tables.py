"""Tables that compare arms: means over the seeds, and differences seed by seed."""

from keras_mra.comparison.paired_interval import interval
from keras_mra.evaluation.result import mean_and_deviation
from keras_mra.evaluation.result import table


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
        cells = [cell([run[name] for run in its_runs], unit) for name in names]
        rows.append((arm, *cells))
    if baseline is None:
        return table(rows)
    for arm, its_runs in runs.items():
        if arm == baseline:
            continue
        pairs = list(zip(its_runs, runs[baseline]))
        cells = [
            cell([one[name] - other[name] for one, other in pairs], unit, signed=True)
            for name in names
        ]
        rows.append((f"{arm} − {baseline}", *cells))
    return table(rows)


def cell(values, unit="%", signed=False):
    """Mean ± standard deviation; of differences (`signed`) also the 95 % interval."""
    digits = 3
    if unit == "%":
        values, digits = [100 * value for value in values], 2
    text = mean_and_deviation(values, signed, digits)
    if not signed or len(values) == 1:
        return text
    low, high = interval(values)
    return f"{text} [{low:+.{digits}f}, {high:+.{digits}f}]"
