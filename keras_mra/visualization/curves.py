"""Curves of several arms over several seeds: a mean, and how far the seeds spread."""

import keras
import numpy as np

from keras_mra.visualization import pictures

# Okabe and Ito's colours, told apart with any colour vision; without the yellow, which
# is too light for a line.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", ":")


def plot_occlusion(curves, widths, xlabel="width of the occluded border, pixels"):
    """Draws error against occlusion for several arms (MRA's figure 4).

    Args:
        curves: Dict from an arm's name to its errors, shares in [0, 1]: an array of
            shape `(seeds, widths)`, or `(widths,)` for a single seed.
        widths: Increasing numbers, how much was occluded; 0 for the clean images.
        xlabel: String, what `widths` are and their unit.

    Returns:
        A matplotlib figure: for each arm its mean error in %, and a band of one
        standard deviation of the seeds to each side.

    Raises:
        ValueError: If an argument is bad, naming the arm.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    curves = {"none": [[0.1, 0.4], [0.2, 0.5]], "MRA": [[0.1, 0.3], [0.1, 0.4]]}
    figure = keras_mra.visualization.plot_occlusion(curves, widths=[0, 8])
    ```
    """
    widths = np.asarray(widths, "float64")
    if widths.ndim != 1 or not len(widths) or (np.diff(widths) <= 0).any():
        raise ValueError(
            f"`widths` must be increasing numbers. Received: widths={widths.tolist()}"
        )
    arms = {}
    for name, errors in _arms("curves", curves).items():
        errors = np.atleast_2d(np.asarray(errors, "float64"))
        if errors.ndim != 2 or errors.shape[1] != len(widths) or not len(errors):
            raise ValueError(
                "`curves` must hold arrays of shape (seeds, widths), here "
                f"(seeds, {len(widths)}). Received: shape {errors.shape} for {name!r}"
            )
        if not ((errors >= 0) & (errors <= 1)).all():
            raise ValueError(
                "`curves` must hold errors as shares in [0, 1]. Received: values from "
                f"{errors.min():g} to {errors.max():g} for {name!r}"
            )
        arms[name] = (widths, 100 * errors)
    figure, axis = _draw_arms(arms)
    axis.set(xlabel=xlabel, ylabel="classification error, %")
    axis.set_title("Error under occlusion", fontsize=11)
    axis.set_ylim(bottom=0)
    axis.set_xticks(widths)
    return figure


def plot_learning_curves(histories, metric="loss", ylabel=None):
    """Draws a metric over the epochs of several arms.

    Args:
        histories: Dict from an arm's name to its runs, one per seed, or to a single
            run. A run is a `keras.callbacks.History`, its dict `history`, or a
            sequence of one number per epoch. A dict may say under `"epoch"` which
            epochs its numbers are of.
        metric: String, the metric's name in the histories, such as `"val_accuracy"`.
        ylabel: String, what the metric is and its unit, or `None` for its name.

    Returns:
        A matplotlib figure: for each arm its mean, and a band of one standard
        deviation of the seeds to each side, over the epochs that all its seeds reached.

    Raises:
        ValueError: If a run does not have the metric, or holds no number.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    figure = keras_mra.visualization.plot_learning_curves(
        {"MAE": mae.history, "MSA": msa.history}
    )
    ```
    """
    arms = {}
    for name, runs in _arms("histories", histories).items():
        runs = _runs(runs)
        values = [_values(name, run, metric) for run in runs]
        if not values:
            raise ValueError(
                f"`histories` must hold at least one run. Received: none for {name!r}"
            )
        epochs = min(map(len, values))
        arms[name] = (
            _epochs(runs[0], epochs),
            np.stack([v[:epochs] for v in values]),
        )
    figure, axis = _draw_arms(arms)
    label = metric.replace("_", " ") if ylabel is None else ylabel
    axis.set(xlabel="epoch", ylabel=label)
    axis.set_title("Learning curves", fontsize=11)
    axis.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _arms(argument, value):
    if not isinstance(value, dict) or not value:
        raise ValueError(
            f"`{argument}` must be a dict with at least one arm. "
            f"Received: {argument}={value!r}"
        )
    return value


def _runs(runs):
    """An arm's runs as a list; a run is a `History`, a dict or a row of numbers."""
    if isinstance(runs, (keras.callbacks.History, dict)):
        return [runs]
    runs = list(runs)
    is_single = bool(runs) and isinstance(runs[0], (int, float, np.number))
    return [runs] if is_single else runs


def _values(name, run, metric):
    """One run's metric, float array of shape `(epochs,)`."""
    run = getattr(run, "history", run)
    if isinstance(run, dict):
        if metric not in run:
            raise ValueError(
                f"`metric` must be in every history. Received: metric={metric!r}, and "
                f"a run of {name!r} with {sorted(run)}"
            )
        run = run[metric]
    values = np.asarray(run, "float64")
    if values.ndim != 1 or not len(values):
        raise ValueError(
            "`histories` must hold a number per epoch for each run. Received: shape "
            f"{values.shape} for {name!r}"
        )
    return values


def _epochs(run, count):
    """The epochs of a run's first `count` numbers: 1, 2, 3, unless it names others."""
    named = run.get("epoch") if isinstance(run, dict) else None
    return np.arange(1, count + 1) if named is None else np.asarray(named)[:count]


def _draw_arms(arms):
    """Draws the mean and the spread of each arm.

    Args:
        arms: Dict from names to `(x, values)`, arrays of shapes `(points,)` and
            `(seeds, points)`.

    Returns:
        `(figure, axis)`.
    """
    figure = pictures.new_figure(6.4, 4.2)
    figure.set_layout_engine("constrained")
    axis = figure.subplots()
    for i, (name, (x, values)) in enumerate(arms.items()):
        color = COLORS[i % len(COLORS)]
        mean = values.mean(axis=0)
        axis.plot(
            x,
            mean,
            color=color,
            linestyle=DASHES[(i // len(COLORS)) % len(DASHES)],
            marker=MARKERS[i % len(MARKERS)],
            markevery=max(len(x) // 10, 1),
            markersize=5,
            label=str(name),
        )
        if len(values) > 1:
            spread = values.std(axis=0, ddof=1)
            axis.fill_between(
                x, mean - spread, mean + spread, color=color, alpha=0.2, linewidth=0
            )
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(
        title=_legend_title([len(values) for _, values in arms.values()]),
        title_fontsize=8,
        fontsize=8,
        frameon=False,
        # Beside the curves, so that it hides none of them.
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )
    return figure, axis


def _legend_title(seeds):
    """Says what line and band are."""
    if max(seeds) == 1:
        return "one seed"
    few, many = min(seeds), max(seeds)
    count = f"{few}" if few == many else f"{few} to {many}"
    return f"mean ± standard\ndeviation, {count} seeds"
