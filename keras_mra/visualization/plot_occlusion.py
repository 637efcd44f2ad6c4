"""A figure of error against occlusion (MRA's figure 4)."""

import textwrap
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_mra import checks
from keras_mra.typing import Array
from keras_mra.visualization.draw_arms import checked_arms
from keras_mra.visualization.draw_arms import draw_arms

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_occlusion(
    curves: Mapping[str, Array | Sequence[Sequence[float]]],
    widths: Array | Sequence[float],
    xlabel: str = "width of the occluded border, pixels",
) -> "Figure":
    """Draws error against occlusion for several arms (MRA's figure 4).

    Args:
        curves: Dict from an arm's name to its errors, shares in [0, 1]: an array of
            shape `(seeds, widths)`, or `(widths,)` for a single seed.
        widths: Increasing numbers, the amount of occlusion; 0 for the clean images.
        xlabel: String, the quantity and unit of `widths`.

    Returns:
        A matplotlib figure with the mean error of each arm in %, and a band of one
        standard deviation of the seeds on each side.

    Raises:
        ValueError: If an argument is bad. The message names the arm.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    curves = {"none": [[0.1, 0.4], [0.2, 0.5]], "MRA": [[0.1, 0.3], [0.1, 0.4]]}
    figure = keras_mra.visualization.plot_occlusion(curves, widths=[0, 8])
    ```
    """
    checks.instance("xlabel", xlabel, str, "a string")
    at = checks.numpy_array("widths", widths).astype("float64")
    if at.ndim != 1 or not len(at) or not (np.diff(at) > 0).all():
        raise ValueError(
            f"`widths` must be increasing numbers. Received: widths={at.tolist()}"
        )
    arms = {}
    for name, curve in checked_arms("curves", curves).items():
        errors = np.atleast_2d(checks.numpy_array("curves", curve))
        if errors.ndim != 2 or errors.shape[1] != len(at) or not len(errors):
            raise ValueError(
                "`curves` must hold arrays of shape (seeds, widths), here "
                f"(seeds, {len(at)}). Received: shape {errors.shape} for {name!r}"
            )
        if not ((errors >= 0) & (errors <= 1)).all():
            raise ValueError(
                "`curves` must hold errors as shares in [0, 1]. Received: values from "
                f"{errors.min():g} to {errors.max():g} for {name!r}"
            )
        arms[name] = (at, 100 * errors)
    figure, axis = draw_arms(arms)
    axis.set(xlabel=textwrap.fill(xlabel, 60), ylabel="classification error, %")
    axis.set_title("Error under occlusion", fontsize=11)
    # The axis shows the differences; a band may reach below 0, but no error does.
    axis.set_ylim(bottom=max(axis.get_ylim()[0], 0))
    axis.set_xticks(at)
    return figure
