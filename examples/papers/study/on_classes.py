"""An augmentation of the images of some classes only."""

import keras
import numpy as np
from keras import layers
from keras import ops


@keras.saving.register_keras_serializable("keras_mra")
class OnClasses(layers.Layer):
    """Augments only the images of some classes.

    Args:
        layer: Keras layer on images.
        classes: Integers, the classes to augment.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Dict of `"images"`, `(batch, height, width, channels)`, and one-hot
            `"labels"`, `(batch, classes)`.

    Returns:
        A dict of the same tensors, with the images of `classes` augmented.
    """

    def __init__(self, layer, classes, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.classes = [int(label) for label in classes]

    def call(self, inputs, training=True):
        images, labels = inputs["images"], inputs["labels"]
        chosen = np.zeros(labels.shape[-1], "float32")
        chosen[self.classes] = 1
        chosen = ops.sum(labels * chosen, axis=-1) > 0.5  # (B,)
        chosen = chosen[:, None, None, None]  # (B, 1, 1, 1)
        augmented = self.layer(images, training=training)
        return {**inputs, "images": ops.where(chosen, augmented, images)}

    def get_config(self):
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer, "classes": self.classes}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config.pop("layer"))
        return cls(layer, **config)
