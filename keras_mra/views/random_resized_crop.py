"""A layer that crops a random box of each image and enlarges it."""

import math
from typing import Any
from typing import Self

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import pixels
from keras_mra.typing import Array
from keras_mra.typing import Seed
from keras_mra.views.any_input import AnyInput


@keras.saving.register_keras_serializable("keras_mra")
class RandomResizedCrop(AnyInput, keras.layers.Layer):
    """Crops a random box of each image and resizes it to the size of the image.

    MAE is pretrained on such views, and Keras has no such layer. Each image gets its
    own box. Bilinear resampling is separable, so one matrix of weights per axis does
    it: the layer runs at the speed of a matrix product, compiles on every backend, and
    gives the same pixels on all of them.

    Args:
        scale: Pair of floats in (0, 1], the range of the box's share of the area.
        ratio: Pair of positive floats, the range of the box's aspect (width over
            height) relative to the image's aspect. The layer draws from it
            log-uniformly.
        seed: Int, `keras.random.SeedGenerator` or `None`.
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
    view = keras_mra.layers.RandomResizedCrop(scale=(0.2, 1.0), seed=0)
    crops = view(images)
    ```
    """

    def __init__(
        self,
        scale: tuple[float, float] = (0.2, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        seed: Seed = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **checks.layer_arguments(kwargs))
        self.scale = checks.ascending_pair("scale", scale, upper=1.0)
        self.ratio = checks.ascending_pair("ratio", ratio)
        self.seed = checks.seed_or_generator(seed)
        self.seed_generator = backend.seed_generator(self.seed)

    def call(self, images: Array, training: bool = True) -> Array:
        if not training:
            return images
        batch = ops.shape(images)[0]
        area = self._uniform(batch, *self.scale)  # (B,), as all that follow
        aspect = ops.exp(self._uniform(batch, *(math.log(r) for r in self.ratio)))
        width = ops.minimum(ops.sqrt(area * aspect), 1.0)
        height = ops.minimum(ops.sqrt(area / aspect), 1.0)
        top = self._uniform(batch, 0.0, 1.0) * (1.0 - height)
        left = self._uniform(batch, 0.0, 1.0) * (1.0 - width)
        rows = _resampling_weights(top, height, images.shape[1])
        columns = _resampling_weights(left, width, images.shape[2])
        return pixels.weigh_axes(images, rows, columns)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.update(scale=self.scale, ratio=self.ratio, seed=self.seed)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        config = dict(config)
        if isinstance(config.get("seed"), dict):  # a `SeedGenerator`
            config["seed"] = keras.saving.deserialize_keras_object(config["seed"])
        return cls(**config)

    def _uniform(self, batch: int | Array, low: float, high: float) -> Array:
        return keras.random.uniform(
            (batch,), low, high, dtype="float32", seed=self.seed_generator
        )


def _resampling_weights(start: Array, extent: Array, size: int) -> Array:
    """Bilinear weights of each input pixel in each output pixel along one axis.

    Args:
        start: Tensor of shape `(batch,)`, the box's start as a share of the image.
        extent: Tensor of shape `(batch,)`, the box's extent as a share of the image.
        size: Int, the pixels along the axis.

    Returns:
        Float32 tensor of shape `(batch, size, size)`; rows sum to 1.
    """
    centers = (ops.arange(size, dtype="float32") + 0.5) / size
    at = (start[:, None] + extent[:, None] * centers) * size - 0.5  # (B, out)
    # Outside the outermost pixel centres, the edge pixel has the whole weight.
    at = ops.clip(at, 0.0, size - 1.0)
    distance = ops.abs(at[:, :, None] - ops.arange(size, dtype="float32"))
    return ops.maximum(1.0 - distance, 0.0)  # (B, out, in)
