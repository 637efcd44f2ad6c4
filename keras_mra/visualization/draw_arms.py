"""Curves of several arms: the mean of each arm's seeds, and their spread."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from numpy.typing import NDArray

from keras_mra.visualization.new_figure import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Value = TypeVar("Value")

# Okabe and Ito's colours, which are distinguishable with any colour vision. Their
# yellow is left out, because it is too light for a line.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", ":")
# Inches: the room of the curves beside the legend, and the least height.
CURVES_WIDTH = 4.8
HEIGHT = 4.2
LEGEND_LETTERS = 32


def draw_arms(
    arms: dict[str, tuple[NDArray[Any], NDArray[Any]]],
) -> "tuple[Figure, Axes]":
    """Draws the mean and the spread of each arm.

    Args:
        arms: Dict from names to `(x, values)`, arrays of shapes `(points,)` and
            `(seeds, points)`.

    Returns:
        `(figure, axis)`. The figure is as large as its legend asks.
    """
    figure = new_figure(6.4, HEIGHT)
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
            label=textwrap.fill(str(name), LEGEND_LETTERS),
        )
        if len(values) > 1:
            spread = values.std(axis=0, ddof=1)
            axis.fill_between(
                x, mean - spread, mean + spread, color=color, alpha=0.2, linewidth=0
            )
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    legend = axis.legend(
        title=_legend_title([len(values) for _, values in arms.values()]),
        title_fontsize=8,
        fontsize=8,
        frameon=False,
        # Beside the curves, where it hides none of them.
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )
    # The legend would otherwise take its room from the curves, or leave the figure.
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    width, height = box.width / figure.dpi, box.height / figure.dpi
    figure.set_size_inches(CURVES_WIDTH + width, max(HEIGHT, height + 1))
    figure.set_layout_engine("constrained")
    return figure, axis


def checked_arms(argument: str, value: Mapping[str, Value]) -> Mapping[str, Value]:
    """Returns a dict of arms if there is at least one.

    Args:
        argument: String, the name of the argument in the message.
        value: What the caller passed.
    """
    if not isinstance(value, dict) or not value:
        raise ValueError(
            f"`{argument}` must be a dict with at least one arm. "
            f"Received: {argument}={value!r}"
        )
    return value


def _legend_title(seeds: list[int]) -> str:
    """Explains the line and the band."""
    if max(seeds) == 1:
        return "one seed"
    few, many = min(seeds), max(seeds)
    count = f"{few}" if few == many else f"{few} to {many}"
    return f"mean ± standard\ndeviation, {count} seeds"
