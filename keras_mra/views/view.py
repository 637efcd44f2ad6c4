"""Augmentations that work in [0, 1], for images of any range."""

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks


@keras.saving.register_keras_serializable("keras_mra")
class View(keras.layers.Pipeline):
    """A pipeline of augmentations that work on float32 images in [0, 1].

    It brings the images there and back, so that any layers serve any range: some of
    Keras' own are right in [0, 1] alone. The result is clipped to `value_range`.

    Args:
        layers: List of Keras layers that take and return batches of images, with
            `value_range=(0, 1)` where they ask for one. Layers of Keras should get
            `dtype="float32"` too, or a mixed policy lets them round pixels.
        image_shape: Triple of ints, `(height, width, channels)`.
        value_range: Pair of floats, `(low, high)`, the range of the images.
        name: String or `None`.

    Call arguments:
        images: `(batch, height, width, channels)`, uint8 or float in `value_range`.
        training: Bool; `False` returns the images as they came, in float32.

    Returns:
        Float32 tensor of the same shape and range.

    Example:

    ```python
    view = keras_mra.views.View(
        [keras.layers.RandomHue(0.2, value_range=(0, 1), dtype="float32")],
        image_shape=(64, 64, 3),
    )
    ```
    """

    def __init__(self, layers, image_shape, value_range=(0, 255), name=None):
        super().__init__(layers, name=name)
        self.image_shape = checks.image_shape(image_shape)
        self.value_range = checks.value_range(value_range)

    def call(self, images, training=True):
        checks.image_batch(images, self.image_shape)
        images = backend.with_static_shape(images, self.image_shape)
        images = ops.cast(images, "float32")
        if not training:
            return images
        low, high = self.value_range
        images = super().call((images - low) / (high - low), training=True)
        return ops.clip(images * (high - low) + low, low, high)

    def compute_output_spec(self, images, training=True):
        checks.image_batch(images, self.image_shape)
        return keras.KerasTensor(images.shape, "float32")

    def get_config(self):
        config = super().get_config()
        config.update(image_shape=self.image_shape, value_range=self.value_range)
        return config
