"""A look inside a Keras model while it runs, nested and subclassed ones included."""

import contextlib
import functools

import keras
from keras import ops

from keras_mra.export.strip import AUGMENTATIONS


class WatchedModel:
    """A classifier of which one layer's output can be read, and be moved.

    Neither the model nor a copy is taken apart: while it runs, the layer's `call` goes
    through a function of this class, like a forward hook of PyTorch. So paths past
    the layer (residual connections) need no care.

    Args:
        model: Keras model, one input and one output of shape `(batch, classes)`.
        layer: Keras layer in it that is used once.

    Attributes:
        head: The layer whose softmax or sigmoid is the model's output, or `None`; known
            after `forward`.
    """

    def __init__(self, model, layer):
        self.model = model
        self.layer = layer
        self.head = None

    def forward(self, images):
        """Runs the model without training.

        Args:
            images: Tensor of shape `(batch, height, width, channels)`.

        Returns:
            The layer's output, `(batch, rows, columns, channels)`, and the model's.

        Raises:
            ValueError: If one of them has another shape, or the layer is not used
                exactly once.
        """
        seen = []  # pairs of a layer and its output

        def remember(layer, output):
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

    def scores(self, images, offset):
        """The model's output before its softmax or sigmoid.

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


def find_layer(model, layer=None):
    """The layer that Grad-CAM asks.

    Args:
        model: Keras model.
        layer: Name, layer, or `None` for the last feature map.

    Raises:
        ValueError: If there is no such layer, or several have the name.
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
    found = [inner for inner in inside if layer is inner or layer == inner.name]
    if len(found) != 1:
        names = [inner.name for inner in model.layers]
        raise ValueError(
            "`layer` must be a layer of the model, or the name of exactly one. The "
            f"outermost are {names}. Received: layer={layer!r}, of which there are "
            f"{len(found)}"
        )
    return found[0]


def _last_feature_map(model):
    """The last layer with weights, or after one, whose output has rank 4."""
    found, learned = None, False
    for layer in model.layers:
        if isinstance(layer, AUGMENTATIONS):
            continue  # Their weights are an autoencoder's, their output is an image.
        # Statistics of a `Normalization` are no kernel: what it returns is an image.
        learned = learned or any(w.name.endswith("kernel") for w in layer.weights)
        if not learned:
            continue
        if _output_rank(layer) == 4:
            found = layer
        elif isinstance(layer, keras.Model):
            found = _last_feature_map(layer) or found
    return found


def _output_rank(layer):
    """Rank of a layer's output in a Functional or Sequential model, else `None`."""
    try:
        return len(layer.output.shape)
    except (AttributeError, ValueError):  # Several outputs; never called symbolically.
        return None


def _check_rank(name, output, rank, shape):
    got = tuple(getattr(output, "shape", ()))
    if len(got) != rank:
        what = f"shape {got}" if got else f"a {type(output).__name__}"
        raise ValueError(
            f"`{name}` must return an output of shape {shape}. Received: {what}"
        )


@contextlib.contextmanager
def _through(layer, function):
    """Sends a layer's output through a function."""
    call = layer.call
    with _replaced(layer, "call", lambda *args, **kw: function(call(*args, **kw))):
        yield


def _is_squashing(layer):
    squashing = (keras.activations.softmax, keras.activations.sigmoid)
    return (
        isinstance(layer, keras.layers.Softmax)
        or getattr(layer, "activation", None) in squashing
    )


def _without_squashing(layer):
    if isinstance(layer, keras.layers.Softmax):
        return _replaced(layer, "call", lambda inputs, *args, **kw: inputs)
    return _replaced(layer, "activation", keras.activations.linear)


@contextlib.contextmanager
def _replaced(layer, name, value):
    """Sets an attribute, and puts back what was there."""
    had, before = name in vars(layer), vars(layer).get(name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        delattr(layer, name)
        if had:
            setattr(layer, name, before)
