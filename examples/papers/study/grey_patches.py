"""Cutout of the patches that MRA would repaint."""

import keras
from keras import ops

from keras_mra import patches


@keras.saving.register_keras_serializable("keras_mra")
class GreyPatches(keras.layers.Layer):
    """Makes the patches grey that a `MaskReconstruct` would repaint.

    The patches are those of the layer on its own: only the paint differs.

    Args:
        repaint: `MaskReconstruct` with `return_visible=True` and a `rate` of 1.
        grey: Float, the value of the pixels.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Dict of `"images"`, `(batch, height, width, channels)`.

    Returns:
        A dict of the same entries, with the patches of the images grey.
    """

    def __init__(self, repaint, grey, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        self.repaint = repaint
        self.grey = float(grey)

    def call(self, inputs, training=True):
        if not training:
            return inputs
        images = inputs["images"]
        _, visible = self.repaint(images, training=training)
        grid, size = self.repaint.mae.grid, tuple(images.shape[1:3])
        stays = patches.visible_pixels(visible, grid, size)
        grey = ops.cast(self.grey, images.dtype)
        return {**inputs, "images": ops.where(stays, images, grey)}

    def get_config(self):
        repaint = keras.saving.serialize_keras_object(self.repaint)
        return {**super().get_config(), "repaint": repaint, "grey": self.grey}

    @classmethod
    def from_config(cls, config):
        repaint = keras.saving.deserialize_keras_object(config.pop("repaint"))
        return cls(repaint, **config)
