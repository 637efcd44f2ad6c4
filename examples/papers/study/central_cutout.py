"""A control of `layers.AttentiveCutout`: the same patches of every image stay."""

import keras
import numpy as np
from keras import ops

from keras_mra import patches
from keras_mra.evaluation.foreground import center_prior


@keras.saving.register_keras_serializable("keras_mra")
class CentralCutout(keras.layers.Layer):
    """Makes the patches grey that are farthest from the centre.

    Args:
        grid: Pair of ints, the rows and columns of patches.
        kept: Int, the patches that stay.
        grey: Float, the value of the grey pixels.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Dict of `"images"`, `(batch, height, width, channels)`.

    Returns:
        A dict of the same entries, with the patches of the images grey.
    """

    def __init__(self, grid, kept, grey, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        self.grid, self.kept, self.grey = tuple(grid), int(kept), float(grey)

    def call(self, inputs, training=True):
        if not training:
            return inputs
        images = inputs["images"]
        order = np.argsort(-center_prior(self.grid, (1, 1)), kind="stable")
        visible = order[None, : self.kept].astype("int32")  # (1, K)
        stays = patches.visible_pixels(visible, self.grid, tuple(images.shape[1:3]))
        grey = ops.cast(self.grey, images.dtype)
        return {**inputs, "images": ops.where(stays, images, grey)}

    def get_config(self):
        config = {"grid": self.grid, "kept": self.kept, "grey": self.grey}
        return {**super().get_config(), **config}
