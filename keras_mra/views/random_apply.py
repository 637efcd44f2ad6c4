"""A layer that applies another augmentation to some of the images."""

from typing import Any
from typing import Self

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.typing import Array
from keras_mra.views.any_input import AnyInput


@keras.saving.register_keras_serializable("keras_mra")
class RandomApply(AnyInput, keras.layers.Layer):
    """Applies a layer to a random share of the images of each batch.

    Keras has no such layer, and most of its augmentations change every image. This
    layer computes the change for all images, and each image takes its result or stays
    as it is. Such a choice compiles on every backend.

    Args:
        layer: Keras layer that keeps the shape and the dtype of the images.
        rate: Float in [0, 1], the probability that an image is changed.
        seed: Int or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: Tensor of shape `(batch, height, width, channels)`.
        training: Bool. `False` returns the images unchanged.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ValueError: If an argument is bad.

    Example:

    ```python
    grey = RandomApply(keras.layers.RandomGrayscale(1.0), rate=0.2, seed=0)
    ```
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        rate: float = 0.5,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        # Without autocast, because a mixed policy would round the pixels.
        super().__init__(**{**checks.layer_arguments(kwargs), "autocast": False})
        self.layer = checks.layer("layer", layer, optional=False)
        self.rate = checks.fraction("rate", rate)
        self.seed = checks.seed(seed)
        self.seed_generator = backend.seed_generator(self.seed)

    def call(self, images: Array, training: bool = True) -> Array:
        if not training:
            return images
        draws = keras.random.uniform(
            (ops.shape(images)[0], 1, 1, 1), dtype="float32", seed=self.seed_generator
        )
        # A copy, because Keras' brightness writes into its input on PyTorch.
        changed = self.layer(ops.copy(images), training=True)
        return ops.where(draws < self.rate, changed, images)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.update(layer=self.layer, rate=self.rate, seed=self.seed)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        if isinstance(config["layer"], dict):
            layer = keras.saving.deserialize_keras_object(config["layer"])
            config = {**config, "layer": layer}
        return cls(**config)
