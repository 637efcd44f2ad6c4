"""A matplotlib figure without pyplot, which keeps no reference to it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> "Figure":
    """Makes an empty figure.

    Args:
        width: Float, inches.
        height: Float, inches.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Figures need matplotlib: pip install 'keras-mra[visualization]'"
        ) from error
    return Figure(figsize=(width, height))
