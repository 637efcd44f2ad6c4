"""Checks of the `attention_model` that a `MaskReconstruct` is given, and its copy."""

import keras
import numpy as np

from keras_mra.models.frozen import copy_of
from keras_mra.models.mae import MAE
from keras_mra.typing import Size


def check_alone(
    strategy: str, attention_block: int | None, attention_resolution: Size | None
) -> None:
    """Refuses arguments that have no effect with an `attention_model`."""
    given = {
        "attention_block": attention_block,
        "attention_resolution": attention_resolution,
    }
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"`{name}` must be None with an `attention_model`, which replaces "
                f"the attention of the `mae`. Received: {name}={value!r}"
            )
    if strategy == "random":
        raise ValueError(
            "`strategy` must be 'attention' or 'low_attention' with an "
            "`attention_model`. Received: strategy='random', which uses no attention."
        )


def check_attention_model(model: keras.Model, mae: MAE) -> None:
    """Refuses a model that does not give one score for each patch of the `mae`."""
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(
            "`attention_model` must be a built Keras model. Received: "
            f"attention_model={model!r} (of type {type(model).__name__})"
        )
    shape = (1, *mae.image_shape)
    expected = (
        f"`attention_model` must turn images of shape {shape} into scores of shape "
        f"{(1, mae.num_patches)}, one for each patch of the `mae`."
    )
    try:
        # The model runs, because Keras' attention layer reports a wrong output shape
        # for scores between two sequences.
        scores = model(np.zeros(shape, "float32"), training=False)
    except Exception as error:  # whatever a model of the user's raises
        raise ValueError(f"{expected} Received: an error, {error}") from error
    found = keras.tree.map_structure(lambda x: tuple(x.shape), scores)
    if found != (1, mae.num_patches):
        raise ValueError(f"{expected} Received: {found}")


def copy_of_attention_model(model: keras.Model) -> keras.Model:
    """Returns a copy of the model that shares no weights with it."""
    try:
        return copy_of(model)
    except Exception as error:  # whatever a model of the user's raises
        raise ValueError(
            "`attention_model` must be a model that Keras can copy from its "
            "configuration, or `copy` must be False. "
            f"Received: {model!r}, with the error {error}"
        ) from error
