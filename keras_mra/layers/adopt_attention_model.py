"""`adopt_attention_model`: the `attention_model` of a `MaskReconstruct`, its own."""

from typing import Any

import keras

from keras_mra.models.attention_teacher import check_attention_model
from keras_mra.models.frozen import adopt
from keras_mra.models.mae import MAE
from keras_mra.typing import Size


def adopt_attention_model(
    model: keras.Model,
    mae: MAE,
    strategy: str,
    attention_block: int | None,
    attention_resolution: Size | None,
    copy: bool,
) -> Any:
    """Checks and freezes the model whose attention chooses the patches.

    Args:
        model: Built Keras model from images to scores of patches.
        mae: The autoencoder that paints.
        strategy, attention_block, attention_resolution: Arguments of the layer, which
            must not contradict the model.
        copy: Bool. `False` freezes the caller's model.

    Returns:
        The model, or a copy that shares no weights with it.

    Raises:
        ValueError: If the model does not fit, or cannot be copied.
    """
    for name, value in (
        ("attention_block", attention_block),
        ("attention_resolution", attention_resolution),
    ):
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
    check_attention_model("attention_model", model, mae)
    return adopt("attention_model", model, copy)
