"""Models without their augmentation, ready for export."""

from typing import Any

import keras

from keras_mra.views.any_input import AnyInput


def strip_augmentation(model: keras.Model) -> keras.Model:
    """Returns a model without the augmentation layers of this package.

    `model.export` traces layers with their default arguments, with which these layers
    and Keras' own preprocessing layers augment. Export the stripped model instead.

    Args:
        model: Sequential or Functional `keras.Model`. Nested models and
            `keras.layers.Pipeline`s are stripped too.

    Returns:
        A `keras.Model`, not compiled, that shares the other layers and their weights
        with `model`.

    Raises:
        ValueError: If `model`, or a nested model that augments, is a subclassed model,
            whose `call` cannot be rewritten, or if an augmentation layer takes or
            returns more than images.

    Example:

    ```python
    keras_mra.strip_augmentation(model).export("classifier")
    ```
    """
    if not isinstance(model, (keras.Sequential, _functional_class())):
        raise ValueError(
            "`model` must be a Sequential or Functional model. Received: "
            f"model of type {type(model).__name__}. Move its augmentation to a model "
            "around it, or pass `training=False` in its `call`."
        )
    if isinstance(model, keras.Sequential):
        kept = _stripped_chain(model.layers)
        inputs = model.inputs if model.built else []
        head = [
            keras.Input(batch_shape=i.shape, dtype=i.dtype, name=i.name) for i in inputs
        ]
        stripped = keras.Sequential([*head, *kept], name=model.name)
        return _called(stripped, stripped.inputs[0]) if inputs else stripped
    stripped = keras.models.clone_model(model, clone_function=_replace)
    return _called(stripped, stripped.input)


def _called(model: keras.Model, inputs: Any) -> keras.Model:
    """Calls the model symbolically: Keras writes no uncalled model to ONNX."""
    model(inputs)
    return model


def _augments(layer: Any) -> bool:
    return isinstance(layer, AnyInput)


def _replace(layer: Any) -> Any:
    if _augments(layer):
        _refuse_more_than_images(layer)
        return _pass_on(layer)
    return _strip(layer)


def _pass_on(layer: Any) -> keras.layers.Layer:
    """A layer that passes images on as `layer` does without augmenting.

    Its policy is float32, because a mixed policy would round pixels.
    """
    if _casts(layer):  # Keras has no layer that only does that.
        return keras.layers.Rescaling(1.0, name=layer.name, dtype="float32")
    return keras.layers.Identity(name=layer.name, dtype="float32")


def _casts(layer: Any) -> bool:
    """Returns whether the layer turns integers into floats, as a `View` does."""
    return bool(layer.output_dtype("uint8") != "uint8")


def _stripped_chain(layers: list[Any]) -> list[Any]:
    """The layers of a chain, without those that augment and do nothing else."""
    return [
        _pass_on(x) if _augments(x) else _strip(x)
        for x in layers
        if not _augments(x) or _casts(x)
    ]


def _refuse_more_than_images(layer: Any) -> None:
    for name in ("protect", "return_visible"):
        value = getattr(layer, name, None)
        if value:
            raise ValueError(
                "`model` must hold layers from images to images. Received: "
                f"{layer.name!r} with {name}={value!r}. Augment in the input pipeline, "
                "or use a layer without it."
            )
    entries = layer.output_entries()
    if len(entries) > 1:
        raise ValueError(
            "`model` must hold layers from images to images. Received: "
            f"{layer.name!r}, which returns {' and '.join(entries)}. Augment in the "
            "input pipeline."
        )


def _strip(layer: Any) -> Any:
    """Returns the layer itself, or a stripped copy if a layer inside it augments."""
    # Keras also hands over operations, such as an addition, which hold no layers.
    if not isinstance(layer, keras.layers.Layer) or not any(
        _augments(inner) for inner in layer._flatten_layers()
    ):
        return layer
    if isinstance(layer, keras.layers.Pipeline):
        return keras.layers.Pipeline(_stripped_chain(layer.layers), name=layer.name)
    return strip_augmentation(layer)


def _functional_class() -> type:
    # Keras has no public name for the class of `keras.Model(inputs, outputs)`.
    x = keras.Input((1,))
    return type(keras.Model(x, x))
