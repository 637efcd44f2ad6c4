"""Inputs that every augmentation of this package takes."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.views.training_flag import training_flag

# The shape, `None` for an unknown rank, and the dtype of an output.
Spec = tuple[tuple[int | None, ...] | None, str]


class AnyInput:
    """Mixin of augmentation layers: batches, single images, dicts, and foreign graphs.

    Put it before `keras.layers.Layer` among the bases. The layer then takes images as
    tensors or NumPy arrays, `(batch, height, width, channels)` or one image, or a dict
    that holds them under `"images"`. It works in `tf.data.Dataset.map` and in grain
    pipelines on every backend. The layer's own `call` sees batches of the backend.

    A layer whose `call` needs other entries of the dict names them in `companions`. A
    layer that returns more than the images overrides `output_specs` and
    `output_entries`.
    """

    # The worker process that the random state belongs to.
    _worker: tuple[int, ...] = ()

    def __call__(
        self, inputs: Any, training: bool | None = None, **companions: Any
    ) -> Any:
        training = training_flag(training)
        if isinstance(inputs, dict):
            companions = {**self.companions(inputs), **companions}
            outputs = self(_images_of(inputs), training, **companions)
            return self._entries(inputs, outputs)
        # A Functional model passes on the companions that its layer was called with.
        companions = {
            k: checks.as_array(k, v) for k, v in companions.items() if v is not None
        }
        images = checks.as_array("inputs", inputs)
        if any(
            backend.is_foreign_graph(x) or backend.has_unknown_rank(x)
            for x in (images, *companions.values())
        ):
            # `tf.data` traces, and its graph cannot hold another backend's operations.
            dtype = keras.backend.standardize_dtype(images.dtype)
            stays = (
                self.output_dtype(dtype) == dtype and len(self.output_entries()) == 1
            )
            if training is False and stays:
                return images
            return self._call_on_host(images, companions, training is not False)
        if isinstance(images, np.ndarray):
            # Arrays come from outside of any model: compiled.
            arrays = {k: ops.convert_to_numpy(v) for k, v in companions.items()}
            outputs = self._one_by_one(
                self._augment_array, images, arrays, training is not False
            )
            return keras.tree.map_structure(_tensor_if_exact, outputs)
        if checks.is_concrete(images):
            return self._one_by_one(self._augment_tensor, images, companions, training)
        return self._augment_tensor(images, companions, training)

    def _one_by_one(self, augment: Callable[..., Any], *args: Any) -> Any:
        """Augments values; threads that drew at the same time would draw the same."""
        with backend.HOST_LOCK:
            self._draw_apart()
            return augment(*args)

    def _augment_tensor(
        self, images: Any, companions: dict[str, Any], training: bool | None
    ) -> Any:
        """Augments a batch or an image of the backend, concrete or traced."""
        if _is_empty(images):
            training = False
        self.check_images(images, check_values=training is not False)
        self.check_companions(images, companions, will_augment=training is not False)
        # An explicit `None` would hide the flag of the model around this layer.
        flag = {} if training is None else {"training": training}
        call = super().__call__  # type: ignore[misc]
        if len(images.shape) == 4:
            return call(images, **companions, **flag)
        batch, *rows = (ops.expand_dims(x, 0) for x in (images, *companions.values()))
        outputs = call(batch, **dict(zip(companions, rows)), **flag)
        return keras.tree.map_structure(lambda x: x[0], outputs)

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
        if not isinstance(rng, np.random.Generator):
            raise ValueError(
                "`rng` must be a `numpy.random.Generator`. Received: "
                f"rng={rng!r} (of type {type(rng).__name__})"
            )
        is_dict = isinstance(inputs, dict)
        companions = self.companions(inputs) if is_dict else {}
        given = _images_of(inputs) if is_dict else inputs
        images = np.asarray(checks.as_array("inputs", given))
        arrays = {k: np.asarray(checks.as_array(k, v)) for k, v in companions.items()}
        with backend.HOST_LOCK:
            self._seed_from(rng)
            outputs = self._augment_array(images, arrays)
        return self._entries(inputs, outputs) if is_dict else outputs

    def random_states(self) -> list[keras.Variable]:
        """The states of the generators that `call` draws from, in a fixed order."""
        return backend.random_states(self)

    def _seed_from(self, rng: np.random.Generator) -> None:
        for state in self.random_states():
            state.assign(rng.integers(2**31, size=2).astype("uint32"))

    def _draw_apart(self) -> None:
        """Gives a layer in a worker process a random state of its own, once.

        Workers are copies of one process: with its state they would draw the same.
        """
        worker = backend.worker_seed()
        if not worker or worker == self._worker:
            return
        self._worker = worker
        states = [ops.convert_to_numpy(state) for state in self.random_states()]
        numbers = [int(n) % 2**32 for state in states for n in state]
        self._seed_from(np.random.default_rng([*numbers, *worker]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        specs = self.output_specs(tuple(input_shape), "float32", {})
        shapes = tuple(shape for shape, _ in specs)
        return shapes if len(shapes) > 1 else shapes[0]

    def compute_output_spec(
        self, images: Any, training: bool | None = None, **companions: Any
    ) -> Any:
        dtype = keras.backend.standardize_dtype(images.dtype)
        specs = self.output_specs(tuple(images.shape), dtype, companions)
        tensors = tuple(keras.KerasTensor(shape, dtype) for shape, dtype in specs)
        return tensors if len(tensors) > 1 else tensors[0]

    # --- what a layer says about itself -------------------------------------------

    def companions(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The arrays of a dict that `call` takes beside the images, by argument."""
        return {}

    def output_entries(self) -> tuple[str, ...]:
        """The keys under which the outputs of `call` lie in a dict."""
        return ("images",)

    def output_specs(
        self, shape: tuple[int | None, ...] | None, dtype: str, companions: Any
    ) -> tuple[Spec, ...]:
        """The shape and the dtype of each output.

        Args:
            shape: Shape of the images, or `None` for an unknown rank.
            dtype: Dtype of the images.
            companions: Dict of arrays or tensors that accompany the images.
        """
        return ((shape, self.output_dtype(dtype)),)

    def output_dtype(self, dtype: str) -> str:
        """The dtype of the augmented images for images of a dtype."""
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
        if found := checks.order_of_axes(images.shape):
            raise ValueError(
                "`inputs` must be images of shape (batch, height, width, channels). "
                f"Received: shape {tuple(images.shape)}{found}"
            )

    def check_companions(
        self, images: Any, companions: dict[str, Any], will_augment: bool
    ) -> None:
        """Refuses companions that do not fit the images.

        Args:
            images: Array or tensor, checked.
            companions: Dict of arrays or tensors.
            will_augment: Bool, whether the images will be augmented.
        """
        return  # AutoGraph warns of a function that is its docstring alone.

    # --- the host -----------------------------------------------------------------

    def _call_on_host(
        self, images: Any, companions: dict[str, Any], training: bool = True
    ) -> Any:
        """Augments from inside a TensorFlow graph."""
        names = tuple(companions)
        shape = None if backend.has_unknown_rank(images) else tuple(images.shape)
        dtype = keras.backend.standardize_dtype(images.dtype)
        specs = self.output_specs(shape, dtype, companions)

        def augment(images: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
            outputs = self._augment_array(images, dict(zip(names, arrays)), training)
            return keras.tree.flatten(outputs)

        outputs = backend.call_on_host(augment, [images, *companions.values()], specs)
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def _augment_array(
        self,
        images: np.ndarray,
        companions: dict[str, np.ndarray],
        training: bool = True,
    ) -> Any:
        """Augments a NumPy batch or image; safe to call from several threads."""
        training = training and not _is_empty(images)
        self.check_images(images, check_values=training)
        self.check_companions(images, companions, will_augment=training)
        if getattr(self, "_compiled", None) is None:
            self._compiled = functools.cache(self._compile)
        arrays = (images, *companions.values())
        if images.ndim == 3:
            arrays = tuple(x[None] for x in arrays)
        outputs = self._compiled(training, *companions)(*arrays)
        outputs = keras.tree.map_structure(ops.convert_to_numpy, outputs)
        if images.ndim == 3:
            outputs = keras.tree.map_structure(lambda x: x[0], outputs)
        if not isinstance(outputs, tuple):
            return self._exact(images, outputs)
        specs = self.output_specs(images.shape, images.dtype.name, companions)
        others = zip(outputs[1:], specs[1:])
        return (
            self._exact(images, outputs[0]),
            *(output.astype(dtype, copy=False) for output, (_, dtype) in others),
        )

    def _compile(self, training: bool, *names: str) -> Callable[..., Any]:
        def call(images: Any, *arrays: Any) -> Any:
            return self.call(  # type: ignore[attr-defined]
                images, training=training, **dict(zip(names, arrays))
            )

        return backend.compiled(self, call)

    def _exact(self, images: np.ndarray, augmented: np.ndarray) -> np.ndarray:
        """The augmented images in their dtype, with unchanged pixels exact."""
        dtype = self.output_dtype(images.dtype.name)
        if augmented.dtype == dtype:
            return augmented
        # JAX computes in float32 where float64 came.
        same = augmented == images.astype(augmented.dtype)
        return np.where(same, images.astype(dtype), augmented.astype(dtype))

    def _entries(self, inputs: dict[str, Any], outputs: Any) -> dict[str, Any]:
        values = outputs if isinstance(outputs, tuple) else (outputs,)
        return {**inputs, **dict(zip(self.output_entries(), values))}


def _images_of(inputs: dict[str, Any]) -> Any:
    if "images" not in inputs:
        raise ValueError(
            "A dict of `inputs` must hold the images under 'images'. "
            f"Received: keys {sorted(map(str, inputs))}"
        )
    return inputs["images"]


def _is_empty(images: Any) -> bool:
    """Whether a batch has no images, and passes through as it is."""
    return len(images.shape) == 4 and images.shape[0] == 0


def _tensor_if_exact(array: np.ndarray) -> Any:
    """An array as a tensor, or as it is if the backend has no tensors of its dtype.

    PyTorch has no uint16 for its operations, and JAX no float64 unless it is told to.
    """
    tensor = ops.convert_to_tensor(array)
    same = keras.backend.standardize_dtype(tensor.dtype) == array.dtype.name
    return tensor if same else array
