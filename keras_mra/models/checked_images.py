"""`CheckedImages`: models that name what is wrong with the images they are given."""

from collections.abc import Generator
from typing import Any

import keras

from keras_mra import backend
from keras_mra import checks
from keras_mra.typing import ImageShape

# The images of an array whose values are looked at before training starts.
FIRST = 64


class CheckedImages:
    """Mixin of Keras models of images. Put it before `keras.Model` among the bases.

    Calls, `fit`, `evaluate` and `predict` refuse arrays and lists that are no images
    of the model. Streams and dicts pass: `call` checks their shapes.
    """

    def image_format(self) -> tuple[ImageShape, tuple[float, float]]:
        """The shape of an image, and the range of its values."""
        raise NotImplementedError

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(inputs, dict):
            inputs = checks.as_array("inputs", inputs)
            checks.image_batch(inputs, self.image_format()[0], "inputs")
        return super().__call__(inputs, *args, **kwargs)  # type: ignore[misc]

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains on images, as `keras.Model.fit`; labels are ignored."""
        return super().fit(self._checked(x), *args, **kwargs)  # type: ignore[misc]

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Returns the loss on images, as `keras.Model.evaluate`."""
        return super().evaluate(self._checked(x), *args, **kwargs)  # type: ignore[misc]

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Returns what the model computes, by name, as `keras.Model.predict`."""
        return super().predict(self._checked(x), *args, **kwargs)  # type: ignore[misc]

    def _checked(self, x: Any) -> Any:
        is_data = isinstance(x, (dict, Generator, keras.utils.PyDataset))
        if is_data or backend.is_stream(x):
            return x
        x = checks.as_array("x", x)
        image_shape, value_range = self.image_format()
        checks.image_batch(x, image_shape, "x")
        checks.pixel_values(x[:FIRST], value_range, "x")
        return x
