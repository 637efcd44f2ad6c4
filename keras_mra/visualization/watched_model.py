"""A Keras model that is watched at one of its layers while it runs."""

import contextlib
import functools
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import keras
from keras import ops

from keras_mra.typing import Array
from keras_mra.views.any_input import AnyInput


class WatchedModel:
    """A classifier whose output at one layer can be read, and shifted by an offset.

    While the model runs, the output of the layer's `call` passes a function of this
    class, like a forward hook of PyTorch. The model is neither changed nor rebuilt, so
    nested and subclassed models and residual connections past the layer work.

    Args:
        model: Keras model with one input and one output of shape `(batch, classes)`.
        layer: Keras layer in the model that is used once.

    Attributes:
        head: The layer whose softmax or sigmoid is the model's output, or `None`.
            `forward` sets it.
    """

    def __init__(self, model: keras.Model, layer: keras.layers.Layer) -> None:
        self.model = model
        self.layer = layer
        self.head: keras.layers.Layer | None = None

    def forward(self, images: Array) -> tuple[Array, Array]:
        """Runs the model without training.

        Args:
            images: Tensor of shape `(batch, height, width, channels)`.

        Returns:
            The output of the layer, `(batch, rows, columns, channels)`, and the output
            of the model, `(batch, classes)`.

        Raises:
            ValueError: If one of them has another shape, or the layer is not used
                exactly once.
        """
        seen: list[tuple[keras.layers.Layer, Array]] = []

        def remember(layer: keras.layers.Layer, output: Array) -> Array:
            seen.append((layer, output))
            return output

        with contextlib.ExitStack() as stack:
            for layer in self.model._flatten_layers():
                if layer is self.layer or _is_squashing(layer):
                    read = functools.partial(remember, layer)
                    stack.enter_context(_through(layer, read))
            outputs = self.model(images, training=False)
        features = [output for layer, output in seen if layer is self.layer]
        if len(features) != 1:
            raise ValueError(
                "`layer` must be used exactly once by the model. Received: layer "
                f"{self.layer.name!r}, which is used {len(features)} times"
            )
        _check_rank("layer", features[0], 4, "(batch, rows, columns, channels)")
        _check_rank("model", outputs, 2, "(batch, classes)")
        heads = [layer for layer, output in seen if output is outputs]
        self.head = heads[-1] if heads and _is_squashing(heads[-1]) else None
        return features[0], outputs

    def scores(self, images: Array, offset: Array) -> Array:
        """Runs the model without its final softmax or sigmoid.

        Args:
            images: As in `forward`, which must have run before.
            offset: Float tensor, added to the layer's output.

        Returns:
            Tensor of shape `(batch, classes)`.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(
                _through(self.layer, lambda x: x + ops.cast(offset, x.dtype))
            )
            if self.head is not None:
                stack.enter_context(_without_squashing(self.head))
            return self.model(images, training=False)


def find_layer(
    model: keras.Model, layer: str | keras.layers.Layer | None = None
) -> keras.layers.Layer:
    """Finds a layer of a model, or of a model inside it.

    Args:
        model: Keras model.
        layer: Name, layer, or `None` for the last feature map.

    Raises:
        ValueError: If there is no such layer, or several layers have the name.
    """
    if layer is None:
        found = _last_feature_map(model)
        if found is None:
            raise ValueError(
                "`layer` must be given: no layer with weights, or after one, is known "
                "to return an output of shape (batch, rows, columns, channels). "
                "Received: layer=None"
            )
        return found
    inside = model._flatten_layers(include_self=False)
    name = layer if isinstance(layer, str) else None
    found = [inner for inner in inside if layer is inner or name == inner.name]
    if len(found) != 1:
        names = [inner.name for inner in model.layers]
        raise ValueError(
            "`layer` must be a layer of the model, or the name of exactly one. The "
            f"outermost are {names}. Received: layer={layer!r}, of which there are "
            f"{len(found)}"
        )
    return found[0]


def _last_feature_map(model: keras.Model) -> keras.layers.Layer | None:
    """The last layer with weights, or after one, whose output has rank 4."""
    found, learned = None, False
    for layer in model.layers:
        if isinstance(layer, AnyInput):
            continue  # They have an autoencoder's weights, but return images.
        # Only kernels count: `Normalization` has weights too, but returns images.
        learned = learned or any(w.name.endswith("kernel") for w in layer.weights)
        if not learned:
            continue
        if _output_rank(layer) == 4:
            found = layer
        elif isinstance(layer, keras.Model):
            found = _last_feature_map(layer) or found
    return found


def _output_rank(layer: keras.layers.Layer) -> int | None:
    """Rank of a layer's output in a Functional or Sequential model, else `None`."""
    try:
        return len(layer.output.shape)
    except (AttributeError, ValueError):  # Several outputs, or no symbolic call.
        return None


def _check_rank(name: str, output: Any, rank: int, shape: str) -> None:
    got = tuple(getattr(output, "shape", ()))
    if len(got) != rank:
        what = f"shape {got}" if got else f"a {type(output).__name__}"
        raise ValueError(
            f"`{name}` must return an output of shape {shape}. Received: {what}"
        )


@contextlib.contextmanager
def _through(
    layer: keras.layers.Layer, function: Callable[[Array], Array]
) -> Iterator[None]:
    """Applies a function to the output of a layer."""
    call = layer.call
    with _replaced(layer, "call", lambda *args, **kw: function(call(*args, **kw))):
        yield


def _is_squashing(layer: keras.layers.Layer) -> bool:
    squashing = (keras.activations.softmax, keras.activations.sigmoid)
    return (
        isinstance(layer, keras.layers.Softmax)
        or getattr(layer, "activation", None) in squashing
    )


def _without_squashing(layer: keras.layers.Layer) -> AbstractContextManager[None]:
    if isinstance(layer, keras.layers.Softmax):
        return _replaced(layer, "call", lambda inputs, *args, **kw: inputs)
    return _replaced(layer, "activation", keras.activations.linear)


@contextlib.contextmanager
def _replaced(layer: keras.layers.Layer, name: str, value: Any) -> Iterator[None]:
    """Sets an attribute for a while, then restores the former one."""
    had, before = name in vars(layer), vars(layer).get(name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        delattr(layer, name)
        if had:
            setattr(layer, name, before)
