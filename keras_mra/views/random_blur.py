"""A layer that blurs each image with a Gaussian of its own width."""

from typing import Any

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import pixels
from keras_mra.typing import Array
from keras_mra.views.any_input import AnyInput


@keras.saving.register_keras_serializable("keras_mra")
class RandomBlur(AnyInput, keras.layers.Layer):
    """Blurs each image with a Gaussian of its own random width.

    `keras.layers.RandomGaussianBlur` draws one width per axis for the whole batch, of
    at most one pixel, and treats the outside of the image as black. In this layer the
    weights of the pixels inside the image sum to 1.

    Args:
        sigma: Pair of positive floats, the range of the Gaussian's standard deviation
            in pixels. The layer draws from it uniformly.
        seed: Int or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: Tensor of shape `(batch, height, width, channels)`; sizes are static.
        training: Bool. `False` returns the images unchanged.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ValueError: If an argument is bad.

    Example:

    ```python
    blurred = keras_mra.layers.RandomBlur(sigma=(0.1, 2.0), seed=0)(images)
    ```
    """

    def __init__(
        self,
        sigma: tuple[float, float] = (0.1, 2.0),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**checks.layer_arguments(kwargs), "autocast": False})
        self.sigma = checks.ascending_pair("sigma", sigma)
        self.seed = checks.seed(seed)
        self.seed_generator = backend.seed_generator(self.seed)

    def call(self, images: Array, training: bool = True) -> Array:
        if not training:
            return images
        sigma = keras.random.uniform(
            (ops.shape(images)[0],),
            *self.sigma,
            dtype="float32",
            seed=self.seed_generator,
        )
        rows, columns = (_gaussian_weights(sigma, n) for n in images.shape[1:3])
        return pixels.weigh_axes(images, rows, columns)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.update(sigma=self.sigma, seed=self.seed)
        return config


def _gaussian_weights(sigma: Array, size: int) -> Array:
    """Weight of each input pixel in each output pixel along one axis.

    Args:
        sigma: Tensor of shape `(batch,)`.
        size: Int, the pixels along the axis.

    Returns:
        Float32 tensor of shape `(batch, size, size)`; rows sum to 1.
    """
    at = ops.arange(size, dtype="float32")
    distance = (at[:, None] - at) / sigma[:, None, None]  # (B, out, in)
    return ops.softmax(-0.5 * ops.square(distance), axis=-1)
