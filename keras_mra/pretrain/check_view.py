"""`check_view`: a view that is tried on the first images."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra.views.drawn_view import drawn_view


def check_view(
    name: str,
    view: Callable[..., Any] | str | None,
    images: np.ndarray[Any, Any],
    value_range: tuple[float, float],
) -> None:
    """Draws a view of the first images, and refuses one that cannot be trained on.

    The random state of the view is restored.

    Args:
        name: Name of the argument in the message.
        view: Keras layer or function. `"auto"` and `None` are always good.
        images: Array, the first batch of the data.
        value_range: Pair of floats, the range of the images.

    Raises:
        ValueError: If the view fails, drops images, changes their shape, or leaves
            their range.
    """
    if view is None or isinstance(view, str):
        return
    expected = f"`{name}` must keep the shape of the images."
    # Copies: PyTorch's arrays share their memory with the variables.
    states = [
        (v, np.array(ops.convert_to_numpy(v))) for v in getattr(view, "variables", [])
    ]
    try:
        seen = drawn_view(view, ops.convert_to_tensor(images))
    except Exception as error:  # whatever a function of the user's raises
        raise ValueError(f"{expected} Received: an error, {error}") from error
    for variable, value in states:
        variable.assign(value)
    if not hasattr(seen, "shape") or tuple(seen.shape) != images.shape:
        found = keras.tree.map_structure(
            lambda x: tuple(x.shape) if hasattr(x, "shape") else type(x).__name__, seen
        )
        raise ValueError(f"{expected} Received: {found} from {images.shape}")
    checks.pixel_dtype(seen, name)
    checks.pixel_values(ops.convert_to_numpy(seen), value_range, name)
