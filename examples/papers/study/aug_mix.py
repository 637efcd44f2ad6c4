"""AugMix, with operations drawn for each image."""

import keras
from keras import ops

from keras_mra import checks
from keras_mra.views.image_operations import NARROW
from keras_mra.views.image_operations import OPERATIONS
from keras_mra.views.random_operations import RandomOperations

# AugMix leaves out the operations of the images on which robustness is measured.
_IN_AUGMIX = tuple(
    OPERATIONS.index(name)
    for name in OPERATIONS
    if name not in ("identity", "brightness", "color", "contrast", "sharpness")
)


@keras.saving.register_keras_serializable("keras_mra")
class AugMix(RandomOperations):
    """A blend of the image with three chains of operations (Hendrycks et al., 2020).

    The loss of the paper that compares three views is not part of it.

    Args:
        strength: Float in [0, 1], the largest level of an operation.
        **kwargs: Arguments of `RandomOperations`.
    """

    CHAINS, DEPTH = 3, 3

    def __init__(self, strength=0.3, **kwargs):
        super().__init__(**kwargs)
        self.strength = checks.fraction("strength", strength)

    def augment(self, images):
        batch = ops.shape(images)[0]
        # Shares of exponential draws are uniform on the simplex, as of Dirichlet(1).
        weights = -ops.log(1 - self.uniform(batch, self.CHAINS))
        weights = weights / ops.sum(weights, axis=1, keepdims=True)  # (B, 3)
        mixed = ops.zeros_like(images)
        for chain in range(self.CHAINS):
            view = images
            depth = 1 + ops.floor(self.uniform(batch) * self.DEPTH)  # (B,)
            for step in range(self.DEPTH):
                levels = self.uniform(batch) * self.strength
                changed = self.operated(view, levels, NARROW, _IN_AUGMIX)
                view = ops.where((step < depth)[:, None, None, None], changed, view)
            mixed = mixed + weights[:, chain, None, None, None] * view
        share = self.uniform(batch)[:, None, None, None]  # Beta(1, 1)
        return share * images + (1 - share) * mixed

    def get_config(self):
        return {**super().get_config(), "strength": self.strength}
