"""An augmentation of a share of each batch, at the cost of that share."""

import keras
from keras import ops
from keras import random

from keras_mra import backend
from keras_mra import checks


@keras.saving.register_keras_serializable("keras_mra")
class OnSome(keras.layers.Layer):
    """Augments a fixed number of images of each batch, drawn anew for each batch.

    An augmentation with a `rate` of its own computes views of all images and drops
    some of them. This layer computes only those that are used.

    Args:
        layer: Keras layer from a dict of `"images"` to such a dict, one image to one.
        share: Float in [0, 1], the share of the images to augment.
        seed: Int.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Images `(batch, height, width, channels)`, or a dict that holds them
            under `"images"`.

    Returns:
        The inputs, with `round(share * batch)` of the images augmented.
    """

    def __init__(self, layer, share, seed=None, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        self.layer = layer
        self.share = checks.fraction("share", share)
        self.seed = checks.seed_or_generator(seed)
        self.seed_generator = backend.seed_generator(self.seed)
        self.built = True

    def call(self, inputs, training=True):
        if isinstance(inputs, dict):
            return {**inputs, "images": self._augment(inputs["images"], training)}
        return self._augment(inputs, training)

    def _augment(self, images, training):
        if not training or self.share == 0:
            return images
        batch = ops.shape(images)[0]
        drawn = random.uniform((batch,), dtype="float32", seed=self.seed_generator)
        if ops.is_tensor(batch):  # TensorFlow does not know the size before.
            batch = ops.cast(batch, "float32")
            count = ops.cast(ops.round(batch * self.share), "int32")
        else:
            count = round(batch * self.share)
        chosen = ops.argsort(drawn)[:count]  # (K,)
        some = {"images": ops.take(images, chosen, axis=0)}  # (K, H, W, C)
        augmented = self.layer(some, training=training)["images"]
        return ops.scatter_update(images, chosen[:, None], augmented)

    def get_config(self):
        layer = keras.saving.serialize_keras_object(self.layer)
        config = {"layer": layer, "share": self.share, "seed": self.seed}
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config.pop("layer"))
        return cls(layer, **config)
