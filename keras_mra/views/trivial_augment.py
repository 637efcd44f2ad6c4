"""A layer that applies one random operation to each image."""

import keras
from keras import ops

from keras_mra.typing import Array
from keras_mra.views.image_operations import WIDE
from keras_mra.views.random_operations import RandomOperations


@keras.saving.register_keras_serializable("keras_mra")
class TrivialAugment(RandomOperations):
    """Applies one random operation to each image, at a random strength.

    This is TrivialAugment with its wide ranges (Müller and Hutter, 2021, arXiv
    2103.10158). It has no setting to tune, and no autoencoder, so MRA should be
    compared with it. Keras' own layers draw one operation for a whole batch. In this
    layer all images of a batch have operations of their own.

    The operations are shears, shifts by up to 32 pixels, rotation, brightness, colour,
    contrast, sharpness, posterisation, solarisation, autocontrast, equalisation, and
    none. What comes from outside of an image is grey.

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

    Example:

    ```python
    augmented = keras_mra.layers.TrivialAugment(seed=0)(images)
    ```
    """

    def augment(self, images: Array) -> Array:
        levels = self.uniform(ops.shape(images)[0])
        return self.operated(images, levels, WIDE)
