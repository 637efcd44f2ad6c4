"""Models without their augmentation, ready for export."""

import keras

from keras_mra.layers import MaskReconstruct
from keras_mra.layers import RandomApply
from keras_mra.layers import RandomBlur
from keras_mra.layers import RandomResizedCrop
from keras_mra.views import View

AUGMENTATIONS = (MaskReconstruct, RandomApply, RandomBlur, RandomResizedCrop, View)


def strip_augmentation(model):
    """Returns the model without this package's augmentation layers.

    `model.export` traces layers as they behave when called bare, which for Keras' own
    preprocessing layers and for these is to augment. Export the stripped model.

    Args:
        model: Sequential or Functional `keras.Model`; nested ones, and
            `keras.layers.Pipeline`s, are searched too.

    Returns:
        A `keras.Model` that shares all other layers and their weights with `model`;
        not compiled.

    Raises:
        ValueError: If `model` is a subclassed model that holds such a layer, since its
            `call` cannot be rewritten.

    Example:

    ```python
    keras_mra.strip_augmentation(model).export("classifier")
    ```
    """
    if not isinstance(model, (keras.Sequential, _functional_class())):
        raise ValueError(
            "`model` must be a Sequential or Functional model. Received: "
            f"model of type {type(model).__name__}; keep its augmentation in a model "
            "around it, or pass `training=False` in its `call`."
        )
    if isinstance(model, keras.Sequential):
        kept = [_strip(layer) for layer in model.layers if not _augments(layer)]
        inputs = model.inputs if model.built else []
        head = [keras.Input(batch_shape=i.shape, dtype=i.dtype) for i in inputs]
        return keras.Sequential([*head, *kept], name=model.name)
    return keras.models.clone_model(model, clone_function=_replace)


def _augments(layer):
    return isinstance(layer, AUGMENTATIONS)


def _replace(layer):
    if _augments(layer):
        return keras.layers.Identity(name=layer.name, dtype=layer.dtype_policy)
    return _strip(layer)


def _strip(layer):
    """The layer itself, or what is left of it where it holds augmentation."""
    if not any(_augments(inner) for inner in layer._flatten_layers()):
        return layer
    if isinstance(layer, keras.layers.Pipeline):
        kept = [_strip(inner) for inner in layer.layers if not _augments(inner)]
        return keras.layers.Pipeline(kept, name=layer.name)
    return strip_augmentation(layer)


def _functional_class():
    # Keras has no public name for the class of `keras.Model(inputs, outputs)`.
    x = keras.Input((1,))
    return type(keras.Model(x, x))
