"""Models inside others that are never trained."""

import keras


class Untrainable:
    """Base of layers that stay frozen whatever the model around them is told.

    Keras sets `trainable` on every layer of a model, and forgets it on loading and
    cloning.
    """

    @property
    def trainable(self):
        return False

    @trainable.setter
    def trainable(self, value):
        pass


def freeze(model):
    """Freezes a model and all of its variables, for good."""
    # Setting a flag that already reads False does nothing on TensorFlow.
    model.trainable = True
    model.trainable = False
    for variable in model.variables:
        variable.trainable = False


def copy_of(model):
    """A copy of any built Keras model with its weights, and without an optimizer.

    Raises:
        Exception: Of any kind, if Keras cannot make the model from its configuration.
    """
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    copy = keras.saving.deserialize_keras_object(config)
    copy.set_weights(model.get_weights())
    return copy
