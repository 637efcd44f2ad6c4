"""Gaussian blur with a width for each image, as two matrix products."""

import keras
from keras import ops

from keras_mra import checks
from keras_mra import pixels


@keras.saving.register_keras_serializable("keras_mra")
class RandomBlur(keras.layers.Layer):
    """Blurs each image with a Gaussian of its own random width.

    `keras.layers.RandomGaussianBlur` draws one width for the whole batch (two, in
    fact: one for each axis), of at most one pixel, and takes what lies beyond the
    border for black. Here the weights of the pixels that lie in the image sum to 1.

    Args:
        sigma: Pair of positive floats, the range of the Gaussian's standard deviation
            in pixels; drawn uniformly.
        seed: Int or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: Tensor of shape `(batch, height, width, channels)`, sizes static.
        training: Bool; `False` returns the images as they came.

    Returns:
        Tensor of the same shape and dtype.

    Example:

    ```python
    blurred = keras_mra.layers.RandomBlur(sigma=(0.1, 2.0), seed=0)(images)
    ```
    """

    def __init__(self, sigma=(0.1, 2.0), seed=None, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        self.sigma = checks.ascending_pair("sigma", sigma)
        self.seed = checks.seed(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, images, training=True):
        if not training:
            return images
        sigma = keras.random.uniform(
            (ops.shape(images)[0],),
            *self.sigma,
            dtype="float32",
            seed=self.seed_generator,
        )
        rows, columns = (_gaussian_weights(sigma, n) for n in images.shape[1:3])
        x = ops.cast(images, "float32")
        x = ops.einsum("bij,bjkc->bikc", rows, x)
        x = ops.einsum("bkl,bilc->bikc", columns, x)
        return pixels.cast_pixels(x, keras.backend.standardize_dtype(images.dtype))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.update(sigma=self.sigma, seed=self.seed)
        return config


def _gaussian_weights(sigma, size):
    """Weight of each input pixel in each output pixel along one axis.

    Args:
        sigma: Tensor of shape `(batch,)`.
        size: Int, pixels along the axis.

    Returns:
        Float32 tensor of shape `(batch, size, size)`; rows sum to 1.
    """
    at = ops.arange(size, dtype="float32")
    distance = (at[:, None] - at) / sigma[:, None, None]  # (B, out, in)
    return ops.softmax(-0.5 * ops.square(distance), axis=-1)
