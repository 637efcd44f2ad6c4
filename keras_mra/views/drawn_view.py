"""`drawn_view`: a view of images by a layer or by any function."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from keras_mra.typing import Array


def drawn_view(view: Callable[..., Any] | None, images: Array) -> Array:
    """Draws a view of images, as in training.

    Args:
        view: Keras layer or model, function of images, or `None`. It is told
            `training=True` if it takes the argument.
        images: `(batch, height, width, channels)`.

    Returns:
        What `view` returns, or `images` for `None`.

    Example:

    ```python
    darker = drawn_view(lambda images: images // 2, images)
    ```
    """
    if view is None:
        return images
    return view(images, training=True) if takes_training(view) else view(images)


def takes_training(view: Callable[..., Any]) -> bool:
    """Whether a view takes the argument `training`, which plain functions need not."""
    if isinstance(view, keras.Layer):
        return True
    try:
        inspect.signature(view).bind(None, training=True)
    except (TypeError, ValueError):
        return False
    return True
