"""A figure of a metric over the epochs of training."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.visualization.draw_arms import checked_arms
from keras_mra.visualization.draw_arms import draw_arms
from keras_mra.visualization.late_limits import late_limits

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_learning_curves(
    histories: Mapping[str, Any], metric: str = "loss", ylabel: str | None = None
) -> "Figure":
    """Draws a metric over the epochs of several arms.

    Args:
        histories: Dict from an arm's name to its runs, one per seed, or to a single
            run. A run is a `keras.callbacks.History`, its dict `history`, or a
            sequence of one number per epoch. A dict may hold the epochs of its numbers
            under `"epoch"`.
        metric: String, the metric's name in the histories, such as `"val_accuracy"`.
        ylabel: String, the name and unit of the metric, or `None` for its name in the
            histories.

    Returns:
        A matplotlib figure with the mean of each arm, and a band of one standard
        deviation of the seeds on each side, over the epochs that all its seeds reached.
        Where the first half of training would hide how several arms differ in the
        second, the axis is cut to the values of the second half, and the title says so.

    Raises:
        ValueError: If a run does not have the metric, or has no numbers.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    figure = keras_mra.visualization.plot_learning_curves(
        {"MAE": mae.history, "MSA": msa.history}
    )
    ```
    """
    checks.instance("metric", metric, str, "a string")
    checks.instance("ylabel", ylabel, (str, type(None)), "a string or None")
    arms = {}
    for name, given in checked_arms("histories", histories).items():
        runs = _runs(given)
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
    figure, axis = draw_arms(arms)
    label = metric.replace("_", " ") if ylabel is None else ylabel
    axis.set(xlabel="epoch", ylabel=textwrap.fill(label, 36))
    title, limits = "Learning curves", late_limits(list(arms.values()))
    if limits is not None:
        axis.set_ylim(limits)
        title = "Learning curves, cut to the values of later epochs"
    axis.set_title(title, fontsize=11)
    locator: Any = axis.xaxis.get_major_locator()
    locator.set_params(integer=True)
    return figure


def _runs(runs: Any) -> list[Any]:
    """An arm's runs as a list; a run is a `History`, a dict or a row of numbers."""
    if isinstance(runs, (keras.callbacks.History, dict)):
        return [runs]
    runs = list(runs)
    is_single = bool(runs) and isinstance(runs[0], (int, float, np.number))
    return [runs] if is_single else runs


def _values(name: str, run: Any, metric: str) -> NDArray[Any]:
    """The metric of one run: float array of shape `(epochs,)`."""
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


def _epochs(run: Any, count: int) -> NDArray[Any]:
    """The epochs of a run's first `count` numbers: 1, 2, 3, ..., or those it holds."""
    named = run.get("epoch") if isinstance(run, dict) else None
    return np.arange(1, count + 1) if named is None else np.asarray(named)[:count]
