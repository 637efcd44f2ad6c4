"""`find_attention_teacher`: a teacher of attention, by its preset or its file."""

import os
import pathlib
from typing import Any

import keras

from keras_mra.layers.attention_of import attention_of
from keras_mra.models import MAE


def find_attention_teacher(teacher: Any, mae: MAE) -> Any:
    """Returns the model that a name stands for; other objects are returned as they are.

    Args:
        teacher: Name, path or handle of a preset with weights, whose attention is
            resized to the patches of `mae`; the path of a `.keras` file; or an object
            that is not a name.
        mae: `MAE` that learns.

    Raises:
        ValueError: If there is no such preset or file, or it has no weights.
    """
    if not isinstance(teacher, (str, os.PathLike)):
        return teacher
    path = pathlib.Path(teacher)
    if path.suffix == ".keras":
        if not path.is_file():
            raise ValueError(
                "`attention_teacher` must be a Keras model, a preset, or the path of a "
                f"`.keras` file. Received: {str(path)!r}, which is no file"
            )
        return keras.models.load_model(path, compile=False)
    try:
        return attention_of(MAE.from_preset(teacher, load_weights=True), mae)
    except ValueError as error:
        raise ValueError(
            f"`attention_teacher` {str(teacher)!r} cannot teach: {error}"
        ) from error
