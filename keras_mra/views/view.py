"""A pipeline of augmentations for images of any value range."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.typing import Array
from keras_mra.typing import ImageShape
from keras_mra.views.any_input import AnyInput


@keras.saving.register_keras_serializable("keras_mra")
class View(AnyInput, keras.layers.Pipeline):
    """A pipeline of augmentations that work on float32 images in [0, 1].

    The view converts images to [0, 1] and back, because some of Keras' augmentations
    are right only there. The result is clipped to `value_range`.

    Args:
        layers: List of Keras layers that take and return batches of images. Layers
            with a `value_range` must have `(0, 1)`. Keras' own layers should have
            `dtype="float32"`, because a mixed policy lets them round pixels.
        image_shape: Triple of ints, `(height, width, channels)`.
        value_range: Pair of floats, `(low, high)`, the range of the images.
        name: String or `None`.

    Call arguments:
        images: `(batch, height, width, channels)`, uint8 or float in `value_range`.
        training: Bool. `False` returns the images unchanged, as float32.

    Returns:
        Float32 tensor of the same shape and range.

    Raises:
        ValueError: If an argument is bad.

    Example:

    ```python
    view = keras_mra.views.View(
        [keras.layers.RandomHue(0.2, value_range=(0, 1), dtype="float32")],
        image_shape=(64, 64, 3),
    )
    ```
    """

    def __init__(
        self,
        layers: Sequence[keras.layers.Layer],
        image_shape: ImageShape,
        value_range: tuple[float, float] = (0, 255),
        name: str | None = None,
    ) -> None:
        if not isinstance(layers, (tuple, list)):
            raise ValueError(
                "`layers` must be a list of Keras layers. Received: "
                f"layers={layers!r} (of type {type(layers).__name__})"
            )
        for layer in layers:
            checks.layer("layers", layer, optional=False)
        checks.layer_arguments({"name": name})
        super().__init__(layers, name=name)
        self.image_shape = checks.image_shape(image_shape)
        self.value_range = checks.value_range(value_range)

    def call(self, images: Array, training: bool = True) -> Array:
        checks.image_batch(images, self.image_shape)
        images = backend.with_static_shape(images, self.image_shape)
        images = ops.cast(images, "float32")
        if not training:
            return images
        low, high = self.value_range
        images = super().call((images - low) / (high - low), training=True)
        return ops.clip(images * (high - low) + low, low, high)

    def output_dtype(self, dtype: str) -> str:
        return "float32"

    def check_images(self, images: Array, check_values: bool) -> None:
        super().check_images(images, check_values)
        if len(images.shape) == 4:  # A single image is checked as a batch, in `call`.
            checks.image_batch(images, self.image_shape)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.update(image_shape=self.image_shape, value_range=self.value_range)
        return config
