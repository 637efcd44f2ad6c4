"""`RandomOperations`: the base of layers that draw operations for each image."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras import random

from keras_mra import backend
from keras_mra import checks
from keras_mra import pixels
from keras_mra.typing import Array
from keras_mra.views.any_input import AnyInput
from keras_mra.views.image_operations import OPERATIONS
from keras_mra.views.image_operations import Ranges
from keras_mra.views.image_operations import apply_operations

EVERY = tuple(range(len(OPERATIONS)))


class RandomOperations(AnyInput, keras.layers.Layer):
    """Base of the layers that apply random operations to images.

    A subclass defines `augment`.

    Args:
        value_range: Pair of floats, `(low, high)`, the range of the images.
        seed: Int or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: Tensor of shape `(batch, height, width, channels)`, with 1 or 3
            channels; the other sizes but the batch are static.
        training: Bool. `False` returns the images unchanged.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ValueError: If an argument is bad; if the images have another number of
            channels or a dtype that cannot hold `value_range`; if an array has values
            outside of it.
    """

    def __init__(
        self,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        # Without autocast, because a mixed policy would round the pixels.
        super().__init__(**{**checks.layer_arguments(kwargs), "autocast": False})
        self.value_range = checks.value_range(value_range)
        self.seed = checks.seed(seed)
        self.seed_generator = backend.seed_generator(self.seed)

    def call(self, images: Array, training: bool = True) -> Array:
        if not training:
            return images
        low, high = self.value_range
        x = (ops.cast(images, "float32") - low) * (255 / (high - low))
        if (low, high) != (0, 255):
            # Some operations round down. The scaled integers may lie just below their
            # values.
            whole = ops.round(x)
            x = ops.where(ops.abs(x - whole) < 1e-3, whole, x)
        x = self.augment(x) * ((high - low) / 255) + low
        x = ops.clip(x, low, high)  # Rounding may leave the range.
        return pixels.cast_pixels(x, keras.backend.standardize_dtype(images.dtype))

    def augment(self, images: Array) -> Array:
        """Augments float32 images with values from 0 to 255."""
        raise NotImplementedError

    def uniform(self, *shape: Any) -> Array:
        """Draws floats from 0 to 1."""
        return random.uniform(shape, dtype="float32", seed=self.seed_generator)

    def operated(
        self,
        images: Array,
        levels: Array,
        ranges: Ranges,
        places: Sequence[int] = EVERY,
    ) -> Array:
        """Applies to each image one operation, drawn anew.

        Args:
            images, levels, ranges: As in `apply_operations`.
            places: The places in `OPERATIONS` to draw from.
        """
        batch = ops.shape(images)[0]
        # `floor` of a float below the number of places, which rounding may reach.
        drawn = ops.floor(self.uniform(batch) * len(places))
        drawn = ops.minimum(ops.cast(drawn, "int32"), len(places) - 1)
        chosen = ops.take(ops.convert_to_tensor(places, "int32"), drawn)
        signs = ops.where(self.uniform(batch) < 0.5, -1.0, 1.0)
        return apply_operations(images, chosen, levels, signs, ranges)

    def check_images(self, images: Any, check_values: bool) -> None:
        super().check_images(images, check_values)
        if images.shape[-1] not in (1, 3):
            raise ValueError(
                "`inputs` must be images with 1 or 3 channels. Received: shape "
                f"{tuple(images.shape)}"
            )
        checks.dtype_holds_range(images, self.value_range, "inputs")
        # A look at a tensor would make each step of a training wait for the device.
        if check_values and isinstance(images, np.ndarray):
            checks.concrete_pixels(images, self.value_range, "inputs")

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.update(value_range=self.value_range, seed=self.seed)
        return config
