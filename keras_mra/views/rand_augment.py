"""A layer that applies several random operations to each image."""

from typing import Any

import keras
from keras import ops

from keras_mra import checks
from keras_mra.typing import Array
from keras_mra.views.image_operations import NARROW
from keras_mra.views.random_operations import RandomOperations


@keras.saving.register_keras_serializable("keras_mra")
class RandAugment(RandomOperations):
    """Applies some random operations to each image, all at one strength.

    This is RandAugment (Cubuk et al., 2020, arXiv 1909.13719). The operations are those
    of `TrivialAugment`, with smaller ranges. `keras.layers.RandAugment` draws the same
    operations for all images of a batch. In this layer each image has its own.

    Args:
        value_range: Pair of floats, `(low, high)`, the range of the images.
        num_ops: Int, the operations that each image gets, one after the other.
        strength: Float in [0, 1], where 1 stands for the largest change.
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

    Example:

    ```python
    augmented = keras_mra.layers.RandAugment(seed=0)(images)
    ```
    """

    def __init__(
        self,
        value_range: tuple[float, float] = (0, 255),
        num_ops: int = 2,
        strength: float = 0.5,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.num_ops = checks.positive_int("num_ops", num_ops)
        self.strength = checks.fraction("strength", strength)

    def augment(self, images: Array) -> Array:
        levels = self.strength * ops.ones((ops.shape(images)[0],))
        for _ in range(self.num_ops):
            images = self.operated(images, levels, NARROW)
        return images

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(num_ops=self.num_ops, strength=self.strength)
        return config
