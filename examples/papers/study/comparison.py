"""Arms side by side: means over seeds, and differences seed by seed."""

from keras_mra.evaluation.results import mean_and_deviation
from keras_mra.evaluation.results import table


def over_seeds(names, seeds, judged):
    """What was judged, and the learning curves, of everything from every seed.

    Args:
        names: Strings, of arms or encoders.
        seeds: Ints.
        judged: Function of a name and a seed, to a pair.

    Returns:
        Pair of dicts from the names to lists, with one entry for each seed.
    """
    runs, curves = {}, {}
    for name in names:
        pairs = [judged(name, seed) for seed in seeds]
        runs[name], curves[name] = (list(column) for column in zip(*pairs))
    return runs, curves


def comparison(runs, baseline=None, unit="%"):
    """A table of errors (or other shares) in percent, arm by arm.

    Args:
        runs: Dict from arms to lists, for each seed a dict from names to shares.
        baseline: Arm that the others are compared with, or `None`.
        unit: String. Other than `"%"`, it names what the numbers are as they stand.

    Returns:
        Markdown: a row of means for each arm; then, if there is a baseline, a row of
        differences, each from the baseline's run of the same seed.
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
    if unit == "%":
        return mean_and_deviation([100 * value for value in values], signed)
    return mean_and_deviation(values, signed, digits=3)
