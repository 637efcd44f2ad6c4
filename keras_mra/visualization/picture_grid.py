"""A figure of pictures: one row per label, one column per image."""

import textwrap
from collections.abc import Collection
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra.visualization.new_figure import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

# Inches: the shorter side of a picture, the gap between pictures, the room for the
# titles, a further line and a letter of them, and the room for the numbers below and
# for the scale at the right.
CELL = 1.1
GAP = 0.1
HEAD_ROOM = 0.4
TITLE_LINE = 0.14
TITLE_LETTER = 0.07
FOOT_ROOM = 0.3
SCALE_ROOM = 0.9
TITLE_SIZE = 8  # Points.
# Perceptually uniform, and distinguishable with any colour vision.
HEAT = "inferno"
ALPHA = 0.6


class PictureGrid:
    """A matplotlib figure with empty axes, and methods that draw on a row of them.

    Args:
        title: String.
        labels: Strings, one per row.
        columns: Int.
        image_size: Pair of ints, the height and width of the images.
        groups: Ints, the rows that have a larger gap to the row above.
        titles: Strings, one above each column, or none. Long ones are wrapped.

    Attributes:
        figure: The matplotlib figure.
        axes: Array of axes, of shape `(rows, columns)`.

    Raises:
        ImportError: If matplotlib is not installed.
    """

    def __init__(
        self,
        title: str,
        labels: Sequence[str],
        columns: int,
        image_size: tuple[int, int],
        groups: Collection[int] = (),
        titles: Sequence[str] = (),
    ) -> None:
        scale = CELL / min(image_size)
        height, width = (min(side * scale, 3 * CELL) for side in image_size)
        letters = max(len(line) for label in labels for line in label.split("\n"))
        left = 0.08 * letters + 0.15
        across = left + columns * (width + GAP) + SCALE_ROOM
        across = max(across, 0.08 * len(title) + 0.2)
        gaps = [2.5 * GAP if row in groups else GAP for row in range(len(labels))]
        titles = [textwrap.fill(t, int(width / TITLE_LETTER)) for t in titles]
        lines = max((title.count("\n") for title in titles), default=0)
        head = HEAD_ROOM + TITLE_LINE * lines
        up = head + len(labels) * height + sum(gaps) + FOOT_ROOM

        self.figure = new_figure(across, up)
        self.figure.suptitle(title, fontsize=10, y=1 - 0.06 / up, va="top")
        self.axes = np.empty((len(labels), columns), "object")
        top = up - head
        for row, label in enumerate(labels):
            top -= gaps[row] + height
            for column in range(columns):
                at = left + column * (width + GAP)
                place = (at / across, top / up, width / across, height / up)
                self.axes[row, column] = self.figure.add_axes(
                    place, xticks=[], yticks=[]
                )
            self.axes[row, 0].set_ylabel(
                label, rotation=0, ha="right", va="center", fontsize=9
            )
        for axis, title in zip(self.axes[0], titles):
            _fit(axis.set_title(title, fontsize=TITLE_SIZE), width * self.figure.dpi)

    def draw(self, row: int, pictures: NDArray[Any]) -> None:
        """Draws pictures, as `drawable` returns them, on a row."""
        for axis, picture in zip(self.axes[row], pictures):
            draw_picture(axis, picture)

    def draw_heat(
        self,
        row: int,
        pictures: NDArray[Any],
        heat: NDArray[Any],
        label: str,
        highest: float | None = None,
    ) -> None:
        """Draws pictures in grey on a row, heat over them, and the scale of the heat.

        Args:
            row: Int.
            pictures: Pictures, as `drawable` returns them.
            heat: Array of shape `(batch, rows, columns)` of any resolution, at least 0.
            label: String, the label of the scale.
            highest: Float, the upper end of the scale, or `None` for the largest heat.
        """
        height, width = pictures.shape[1:3]
        highest = float(heat.max()) if highest is None else highest
        for axis, picture, values in zip(self.axes[row], pictures, heat):
            if picture.ndim == 3:
                picture = picture @ np.array([0.299, 0.587, 0.114], "float32")
            draw_picture(axis, picture)
            image = axis.imshow(
                values,
                HEAT,
                vmin=0,
                vmax=highest,
                alpha=ALPHA,
                interpolation="nearest",
                extent=(-0.5, width - 0.5, height - 0.5, -0.5),
            )
        self.draw_scale(row, image, label)

    def draw_scale(self, row: int, image: Any, label: str) -> None:
        """Draws a colour bar at the right of a row.

        Args:
            row: Int.
            image: The result of matplotlib's `imshow`.
            label: String.
        """
        last = self.axes[row, -1].get_position()
        width, _ = self.figure.get_size_inches()
        place = (last.x1 + GAP / width, last.y0, 0.1 / width, last.height)
        bar_axis = self.figure.add_axes(place, facecolor="gray", label="scale")
        bar = self.figure.colorbar(image, cax=bar_axis)
        bar.set_label(label, fontsize=7)
        bar.ax.tick_params(labelsize=7)


def _fit(text: "Text", width: float) -> None:
    """Makes the letters of a title smaller if they are wider than usual, as W is."""
    share = width / text.get_window_extent().width
    if share < 1:
        text.set_fontsize(share * TITLE_SIZE)


def draw_picture(axis: "Axes", picture: NDArray[Any]) -> None:
    """Draws one picture, as `drawable` returns it, in colour or in grey."""
    axis.imshow(picture, "gray", vmin=0, vmax=1, interpolation="nearest")
