"""Another augmentation, applied to some of the images only."""

import keras
from keras import ops

from keras_mra import checks


@keras.saving.register_keras_serializable("keras_mra")
class RandomApply(keras.layers.Layer):
    """Applies a layer to a random share of the images, chosen anew in each batch.

    Keras has no such layer, and most of its augmentations change every image. The
    layer computes all images and each image takes its result or stays: a choice that
    compiles everywhere.

    Args:
        layer: Keras layer that keeps the shape and the dtype of the images.
        rate: Float in [0, 1], the probability that an image is changed.
        seed: Int or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: Tensor of shape `(batch, height, width, channels)`.
        training: Bool; `False` returns the images as they came.

    Returns:
        Tensor of the same shape and dtype.

    Example:

    ```python
    gray = RandomApply(keras.layers.RandomGrayscale(1.0), rate=0.2, seed=0)
    ```
    """

    def __init__(self, layer, rate=0.5, seed=None, **kwargs):
        # A mixed policy must not round pixels on their way in.
        super().__init__(**{**kwargs, "autocast": False})
        if not isinstance(layer, keras.layers.Layer):
            raise ValueError(
                f"`layer` must be a Keras layer. Received: layer={layer!r} "
                f"(of type {type(layer).__name__})"
            )
        self.layer = layer
        self.rate = checks.fraction("rate", rate)
        self.seed = checks.seed(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, images, training=True):
        if not training:
            return images
        draws = keras.random.uniform(
            (ops.shape(images)[0], 1, 1, 1), dtype="float32", seed=self.seed_generator
        )
        # A copy, because Keras' brightness writes into its input on PyTorch.
        changed = self.layer(ops.copy(images), training=True)
        return ops.where(draws < self.rate, changed, images)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.update(layer=self.layer, rate=self.rate, seed=self.seed)
        return config

    @classmethod
    def from_config(cls, config):
        if isinstance(config["layer"], dict):
            layer = keras.saving.deserialize_keras_object(config["layer"])
            config = {**config, "layer": layer}
        return cls(**config)
