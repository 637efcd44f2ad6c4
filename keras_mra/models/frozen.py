"""Copies of models, and models that are never trained."""

from typing import Any

import keras


class Untrainable:
    """Base of layers that stay frozen when the model around them is made trainable.

    Keras sets `trainable` on every layer of a model, and forgets the flag when a model
    is loaded or cloned.
    """

    @property
    def trainable(self) -> bool:
        return False

    @trainable.setter
    def trainable(self, value: bool) -> None:
        pass


def freeze(model: keras.Model) -> None:
    """Freezes a model and all of its variables permanently."""
    # On TensorFlow, setting a flag that is False already does nothing.
    model.trainable = True
    model.trainable = False
    for variable in model.variables:
        variable.trainable = False


def copy_of(model: keras.Model) -> Any:
    """A copy of a built Keras model with its weights, and without an optimizer.

    Args:
        model: Built Keras model.

    Returns:
        A model of the same class.

    Raises:
        Exception: Of any kind, if Keras cannot make the model from its configuration.
    """
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    # The class of the model need not be registered.
    custom_objects = {config["registered_name"] or type(model).__name__: type(model)}
    # Python lambdas of this process are no risk.
    copy = keras.saving.deserialize_keras_object(
        config, custom_objects=custom_objects, safe_mode=False
    )
    copy.set_weights(model.get_weights())
    return copy


def frozen_copy(name: str, model: keras.Model, otherwise: str) -> Any:
    """A frozen copy of a built Keras model that a caller passed.

    Args:
        name: Name of the argument in the message.
        model: Built Keras model.
        otherwise: String, how to do without a copy.

    Returns:
        A model of the same class, which shares no weights with `model`.

    Raises:
        ValueError: If Keras cannot make the model from its configuration.
    """
    try:
        copy = copy_of(model)
    except Exception as error:  # whatever a model of the user's raises
        raise ValueError(
            f"`{name}` must be a model that Keras can copy from its configuration, or "
            f"{otherwise}. Received: {model!r}, with the error {error}"
        ) from error
    freeze(copy)
    return copy


def adopt(name: str, model: keras.Model, copy: bool) -> Any:
    """Returns a frozen copy of a caller's model, or freezes the model itself.

    Args:
        name: Name of the argument in messages.
        model: Built Keras model.
        copy: Bool. `False` shares the model with the caller.

    Raises:
        ValueError: If the model cannot be copied.
    """
    if copy:
        return frozen_copy(name, model, "`copy` must be False")
    freeze(model)
    return model
