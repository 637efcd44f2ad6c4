"""Random resized crop, as two matrix products."""

import math

import keras
from keras import ops

from keras_mra import checks
from keras_mra import pixels


@keras.saving.register_keras_serializable("keras_mra")
class RandomResizedCrop(keras.layers.Layer):
    """Crops a random box of each image and resizes it to the image's size.

    The view that MAE is pretrained on; Keras has no such layer. Each image gets its
    own box. Bilinear resampling is separable, so it is written as one matrix of
    weights per axis: it runs at the speed of a matrix product, compiles everywhere
    and gives the same pixels on every backend.

    Args:
        scale: Pair of floats in (0, 1], the range of the box's share of the area.
        ratio: Pair of positive floats, the range of the box's aspect (width over
            height) relative to the image's; drawn log-uniformly.
        seed: Int, `keras.random.SeedGenerator` or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: Tensor of shape `(batch, height, width, channels)`, sizes static.
        training: Bool; `False` returns the images as they came.

    Returns:
        Tensor of the same shape and dtype.

    Example:

    ```python
    view = keras_mra.layers.RandomResizedCrop(scale=(0.2, 1.0), seed=0)
    crops = view(images)
    ```
    """

    def __init__(self, scale=(0.2, 1.0), ratio=(3 / 4, 4 / 3), seed=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale = checks.ascending_pair("scale", scale, upper=1.0)
        self.ratio = checks.ascending_pair("ratio", ratio)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=True):
        if not training:
            return images
        batch = ops.shape(images)[0]
        area = self._uniform(batch, *self.scale)
        aspect = ops.exp(self._uniform(batch, *(math.log(r) for r in self.ratio)))
        width = ops.minimum(ops.sqrt(area * aspect), 1.0)
        height = ops.minimum(ops.sqrt(area / aspect), 1.0)
        top = self._uniform(batch, 0.0, 1.0) * (1.0 - height)
        left = self._uniform(batch, 0.0, 1.0) * (1.0 - width)
        rows = _resampling_weights(top, height, images.shape[1])
        columns = _resampling_weights(left, width, images.shape[2])
        x = ops.cast(images, "float32")
        x = ops.einsum("bij,bjkc->bikc", rows, x)
        x = ops.einsum("bkl,bilc->bikc", columns, x)
        return pixels.cast_pixels(x, keras.backend.standardize_dtype(images.dtype))

    def _uniform(self, batch, low, high):
        return keras.random.uniform(
            (batch,), low, high, dtype="float32", seed=self.seed_generator
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.update(scale=self.scale, ratio=self.ratio, seed=self.seed)
        return config


def _resampling_weights(start, extent, size):
    """Bilinear weights of each input pixel in each output pixel along one axis.

    Args:
        start, extent: Tensors of shape `(batch,)`, the box in units of the image.
        size: Int, pixels along the axis.

    Returns:
        Float32 tensor of shape `(batch, size, size)`; rows sum to 1.
    """
    centers = (ops.arange(size, dtype="float32") + 0.5) / size
    at = (start[:, None] + extent[:, None] * centers) * size - 0.5  # (B, out)
    # Beyond the outermost pixel centres, the edge pixel alone counts.
    at = ops.clip(at, 0.0, size - 1.0)
    distance = ops.abs(at[:, :, None] - ops.arange(size, dtype="float32"))
    return ops.maximum(1.0 - distance, 0.0)  # (B, out, in)
