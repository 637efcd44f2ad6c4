"""A figure of how much each augmentation changes the error."""

import statistics
from typing import TYPE_CHECKING

from keras_mra.comparison.arms import BASE
from keras_mra.comparison.comparison_result import Comparison
from keras_mra.visualization.new_figure import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_comparison(comparison: Comparison) -> "Figure":
    """Draws the change of the error by each arm: every seed, mean and 95 % interval.

    Args:
        comparison: `Comparison`.

    Returns:
        A matplotlib figure.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    arms = [arm for arm in comparison.runs if arm != BASE]
    figure = new_figure(6.4, 1.4 + 0.5 * len(arms))
    axis = figure.subplots()
    axis.axvline(0, color="0.5", linewidth=1)
    for row, arm in enumerate(arms):
        points = [100 * one for one in comparison.differences(arm)]
        axis.plot(points, [row] * len(points), "o", color="#56B4E9", markersize=4)
        mean = statistics.mean(points)
        if len(points) > 1:
            axis.hlines(row, *comparison.interval(points), color="#0072B2", linewidth=2)
        axis.plot(mean, row, "D", color="#0072B2", markersize=6)
    axis.set_yticks(range(len(arms)), [f"+ {arm}" for arm in arms])
    axis.set_ylim(len(arms) - 0.5, -0.5)
    seeds = len(comparison.runs[BASE])
    axis.set_xlabel(f"change of the test error beside {comparison.base}, in points")
    axis.set_title(
        "less is better; "
        + ("one seed" if seeds == 1 else f"mean and 95 % interval of {seeds} seeds"),
        fontsize=10,
    )
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    figure.set_layout_engine("constrained")
    return figure
