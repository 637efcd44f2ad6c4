"""Images as matplotlib draws them, in a grid: a row for each thing shown of them."""

import numpy as np
from keras import ops

from keras_mra import checks

# Inches: a picture's shorter side; between pictures; for titles, the mean error below
# and the scale at the right.
CELL = 1.1
GAP = 0.1
HEAD_ROOM = 0.4
FOOT_ROOM = 0.3
SCALE_ROOM = 0.9
# Perceptually even, and told apart with any colour vision.
HEAT = "inferno"
ALPHA = 0.6


def new_figure(width, height):
    """An empty figure that knows nothing of pyplot.

    Args:
        width, height: Floats, inches.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib: pip install 'keras-mra[visualization]'"
        ) from error
    return Figure(figsize=(width, height))


def checked_images(images, image_shape, value_range):
    """Returns images as a NumPy array if they fit.

    Args:
        images: Array or tensor of shape `(batch, height, width, channels)`.
        image_shape: `(height, width, channels)`; `None` for a size that is free.
        value_range: Pair of floats, `(low, high)`.
    """
    if not isinstance(images, np.ndarray):
        images = ops.convert_to_numpy(images)
    checks.image_batch(images, image_shape)
    checks.pixel_values(images, value_range)
    return images


def drawable(images, value_range):
    """Images from 0 to 1, as matplotlib draws them.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        value_range: Pair of floats, `(low, high)`.

    Returns:
        Float32 array of shape `(batch, height, width, 3)` in colour, four channels
        laid over white; of any other number of channels the first, in gray, without
        the axis of channels.
    """
    low, high = value_range
    pictures = np.clip((np.asarray(images, "float32") - low) / (high - low), 0, 1)
    if pictures.shape[-1] == 4:
        opacity = pictures[..., 3:]
        return pictures[..., :3] * opacity + (1 - opacity)
    return pictures if pictures.shape[-1] == 3 else pictures[..., 0]


def picture_grid(title, labels, columns, image_size, groups=()):
    """Makes a figure of empty pictures, a row for each label.

    Args:
        title: String.
        labels: List of strings.
        columns: Int.
        image_size: Pair of ints, height and width.
        groups: Ints, the rows that stand a little apart from the row above.

    Returns:
        `(figure, axes)`, the axes as an array of shape `(rows, columns)`.
    """
    scale = CELL / min(image_size)
    height, width = (min(side * scale, 3 * CELL) for side in image_size)
    letters = max(len(line) for label in labels for line in label.split("\n"))
    left = 0.08 * letters + 0.15
    across = left + columns * (width + GAP) + SCALE_ROOM
    across = max(across, 0.08 * len(title) + 0.2)
    gaps = [2.5 * GAP if row in groups else GAP for row in range(len(labels))]
    up = HEAD_ROOM + len(labels) * height + sum(gaps) + FOOT_ROOM

    figure = new_figure(across, up)
    figure.suptitle(title, fontsize=10, y=1 - 0.06 / up, va="top")
    axes = np.empty((len(labels), columns), "object")
    top = up - HEAD_ROOM
    for row, label in enumerate(labels):
        top -= gaps[row] + height
        for column in range(columns):
            at = left + column * (width + GAP)
            place = (at / across, top / up, width / across, height / up)
            axes[row, column] = figure.add_axes(place, xticks=[], yticks=[])
        axes[row, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    return figure, axes


def draw(axes, pictures):
    """Draws a picture on each axis of a row.

    Args:
        axes: Row of axes.
        pictures: What `drawable` returned.
    """
    for axis, picture in zip(axes, pictures):
        axis.imshow(picture, "gray", vmin=0, vmax=1, interpolation="nearest")


def draw_heat(axes, pictures, heat, label, highest=None):
    """Draws a row of pictures in gray, heat laid over them, and the heat's scale.

    Args:
        axes: Row of axes.
        pictures: What `drawable` returned.
        heat: Array of shape `(batch, rows, columns)`, at least 0; of any resolution.
        label: String, what the scale says.
        highest: Float, the upper end of the scale, or `None` for the largest heat.
    """
    height, width = pictures.shape[1:3]
    highest = float(heat.max()) if highest is None else highest
    for axis, picture, values in zip(axes, pictures, heat):
        if picture.ndim == 3:
            picture = picture @ np.array([0.299, 0.587, 0.114], "float32")
        axis.imshow(picture, "gray", vmin=0, vmax=1, interpolation="nearest")
        image = axis.imshow(
            values,
            HEAT,
            vmin=0,
            vmax=highest,
            alpha=ALPHA,
            interpolation="nearest",
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        )
    draw_scale(axes, image, label)


def draw_scale(axes, image, label):
    """Draws the colour bar of a row at its right.

    Args:
        axes: Row of axes.
        image: What `imshow` returned.
        label: String.
    """
    figure = axes[0].figure
    last = axes[-1].get_position()
    width, _ = figure.get_size_inches()
    place = (last.x1 + GAP / width, last.y0, 0.1 / width, last.height)
    bar_axis = figure.add_axes(place, facecolor="gray", label="scale")
    bar = figure.colorbar(image, cax=bar_axis)
    bar.set_label(label, fontsize=7)
    bar.ax.tick_params(labelsize=7)
