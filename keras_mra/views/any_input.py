"""Inputs that every augmentation of this package takes."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks


class AnyInput:
    """Mixin of augmentation layers: batches, single images, dicts, and foreign graphs.

    Put it before `keras.layers.Layer` among the bases. The layer then takes images as
    tensors or NumPy arrays, `(batch, height, width, channels)` or one image, or a dict
    that holds them under `"images"`. It works in `tf.data.Dataset.map` and in grain
    pipelines on every backend. The layer's own `call` sees batches of the backend.
    """

    def __call__(self, inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        if training is not None:
            # An explicit `None` would hide the flag of the model around this layer.
            kwargs["training"] = training
        if isinstance(inputs, dict):
            if "images" not in inputs:
                raise ValueError(
                    "A dict of `inputs` must hold the images under 'images'. "
                    f"Received: keys {sorted(map(str, inputs))}"
                )
            return {**inputs, "images": self(inputs["images"], **kwargs)}
        if backend.is_foreign_graph(inputs) or backend.has_unknown_rank(inputs):
            # `tf.data` traces, and its graph cannot hold another backend's operations.
            if training is False:
                return inputs
            return self._call_on_host(inputs)
        if not hasattr(inputs, "shape"):
            inputs = np.asarray(inputs)
        if isinstance(inputs, np.ndarray) and training is not False:
            # Arrays come from outside of any model: compiled, and safe between threads.
            return ops.convert_to_tensor(self._augment_array(inputs))
        self.check_images(inputs, check_values=training is not False)
        if len(inputs.shape) == 3:
            batch = ops.expand_dims(inputs, 0)  # (1, H, W, C)
            return super().__call__(batch, **kwargs)[0]  # type: ignore[misc]
        return super().__call__(inputs, **kwargs)  # type: ignore[misc]

    def random_map(self, inputs: Any, rng: np.random.Generator) -> Any:
        """Augments with randomness from outside, for grain's `random_map`.

        grain hands each element a generator that depends on the index of the element
        alone. A pipeline therefore gives the same views for any number of workers and
        after resuming, which the layer's own random state cannot promise.

        Args:
            inputs: NumPy images or one image, or a dict with them under `"images"`.
            rng: `numpy.random.Generator`.

        Returns:
            The inputs, augmented, as NumPy arrays.

        Example:

        ```python
        dataset = grain.MapDataset.source(images).seed(0).random_map(layer.random_map)
        ```
        """
        if isinstance(inputs, dict):
            return {**inputs, "images": self.random_map(inputs["images"], rng)}
        with backend.HOST_LOCK:
            for state in self.random_states():
                state.assign(rng.integers(2**31, size=2).astype("uint32"))
            return self._augment_array(np.asarray(inputs))

    def random_states(self) -> list[keras.Variable]:
        """The states of the generators that `call` draws from, in a fixed order."""
        return backend.random_states(self)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(
        self, images: Any, training: bool | None = None
    ) -> keras.KerasTensor:
        dtype = keras.backend.standardize_dtype(images.dtype)
        return keras.KerasTensor(images.shape, self.output_dtype(dtype))

    def output_dtype(self, dtype: str) -> str:
        """The dtype of the output for images of a dtype."""
        return dtype

    def check_images(self, images: Any, check_values: bool) -> None:
        """Refuses anything but a batch of images or one image.

        Args:
            images: Array or tensor.
            check_values: Bool, whether the images will be augmented.
        """
        if len(images.shape) not in (3, 4):
            raise ValueError(
                "`inputs` must be images of shape (batch, height, width, channels) or "
                f"(height, width, channels). Received: shape {tuple(images.shape)}"
            )
        checks.pixel_dtype(images, "inputs")

    def _call_on_host(self, images: Any) -> Any:
        dtype = self.output_dtype(images.dtype.name)
        return backend.call_on_host(self._augment_array, images, dtype)

    def _augment_array(self, images: np.ndarray) -> np.ndarray:
        """Augments a NumPy batch or image; safe to call from several threads."""
        self.check_images(images, check_values=True)
        batch = images[None] if images.ndim == 3 else images
        if getattr(self, "_compiled", None) is None:
            self._compiled = backend.compiled(self, self.call)  # type: ignore
        augmented = ops.convert_to_numpy(self._compiled(batch)).reshape(images.shape)
        dtype = self.output_dtype(images.dtype.name)
        if augmented.dtype == dtype:
            return augmented
        # JAX computes in float32 where float64 came: unchanged pixels stay exact.
        same = augmented == images.astype(augmented.dtype)
        return np.where(same, images.astype(dtype), augmented.astype(dtype))
