"""`CheckedImages`: models that name what is wrong with the images they are given."""

from collections.abc import Generator
from typing import Any

import keras

from keras_mra import backend
from keras_mra import checks

# The images of an array whose values are looked at before training starts.
FIRST = 64
# Entries of a dict of inputs that hold images.
IMAGES = {"images", "weak", "strong"}


class CheckedImages:
    """Mixin of Keras models of images. Put it before `keras.Model` among the bases.

    Calls, `fit`, `evaluate` and `predict` refuse arrays and lists that are not images
    of the model. Streams and dicts pass `fit`: the calls check them.

    A call looks at the values of concrete pixels, unless it is given `training`. Keras
    passes that in `fit`, `evaluate` and `predict`, which run eagerly on PyTorch: each
    step would wait for the accelerator. These three look at the first images.
    """

    def autoencoder(self) -> Any:
        """The `MAE` that the images are for."""
        raise NotImplementedError

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        mae = self.autoencoder()
        training = kwargs.get("training")
        is_inside = training is not None
        if is_inside:
            checks.flag("training", training)
        if isinstance(inputs, dict):
            inputs = {
                key: checks.as_array(f"inputs['{key}']", value)
                for key, value in inputs.items()
            }
            rows = None
            for key in IMAGES & set(inputs):
                name = f"inputs['{key}']"
                checks.image_batch(inputs[key], mae.image_shape, name)
                if not is_inside:
                    checks.concrete_pixels(inputs[key], mae.value_range, name)
                rows = inputs[key].shape[0]
            if "visible" in inputs:
                checks.visible_indices(inputs["visible"], mae.num_patches, rows)
        else:
            inputs = checks.as_array("inputs", inputs)
            checks.image_batch(inputs, mae.image_shape, "inputs")
            if not is_inside:
                checks.concrete_pixels(inputs, mae.value_range, "inputs")
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
        mae = self.autoencoder()
        checks.image_batch(x, mae.image_shape, "x")
        checks.pixel_values(x[:FIRST], mae.value_range, "x")
        return x
