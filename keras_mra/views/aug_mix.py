"""A layer that blends each image with chains of random operations."""

from typing import Any

import keras
from keras import ops

from keras_mra import checks
from keras_mra.typing import Array
from keras_mra.views.image_operations import NARROW
from keras_mra.views.image_operations import OPERATIONS
from keras_mra.views.random_operations import RandomOperations

CHAINS, DEPTH = 3, 3
# AugMix leaves out the operations of the images on which robustness is measured.
_IN_AUGMIX = tuple(
    OPERATIONS.index(name)
    for name in OPERATIONS
    if name not in ("identity", "brightness", "color", "contrast", "sharpness")
)


@keras.saving.register_keras_serializable("keras_mra")
class AugMix(RandomOperations):
    """Blends each image with three chains of random operations.

    This is the augmentation of AugMix (Hendrycks et al., 2020, arXiv 1912.02781),
    without its loss that compares three views. A chain has one to three operations.
    `keras.layers.AugMix` draws the same operations for all images of a batch. In this
    layer each image has its own.

    Args:
        value_range: Pair of floats, `(low, high)`, the range of the images.
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
    augmented = keras_mra.layers.AugMix(seed=0)(images)
    ```
    """

    def __init__(
        self,
        value_range: tuple[float, float] = (0, 255),
        strength: float = 0.3,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.strength = checks.fraction("strength", strength)

    def augment(self, images: Array) -> Array:
        batch = ops.shape(images)[0]
        # Shares of exponential draws are uniform on the simplex, as of Dirichlet(1).
        weights = -ops.log(1 - self.uniform(batch, CHAINS))
        weights = weights / ops.sum(weights, axis=1, keepdims=True)  # (B, 3)
        mixed = ops.zeros_like(images)
        for chain in range(CHAINS):
            view = images
            depth = 1 + ops.floor(self.uniform(batch) * DEPTH)  # (B,)
            for step in range(DEPTH):
                levels = self.uniform(batch) * self.strength
                changed = self.operated(view, levels, NARROW, _IN_AUGMIX)
                view = ops.where((step < depth)[:, None, None, None], changed, view)
            mixed = mixed + weights[:, chain, None, None, None] * view
        share = self.uniform(batch)[:, None, None, None]  # Beta(1, 1)
        return share * images + (1 - share) * mixed

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strength": self.strength}
