"""Parts of an autoencoder that still have their initial weights."""

from typing import Any

from keras import ops

from keras_mra import backend
from keras_mra.models.autoencoder import Autoencoder


def untrained_parts(mae: Autoencoder) -> tuple[str, ...]:
    """Names the parts of an autoencoder that were never trained.

    Every bias starts at exactly 0, and one step of training changes most of them. A
    part whose biases are all 0 is therefore untrained, wherever its weights came from:
    a constructor, a preset, a `.keras` file or `set_weights`.

    Args:
        mae: An autoencoder.

    Returns:
        Some of `"encoder"` and `"decoder"`.

    Example:

    ```python
    untrained_parts(keras_mra.MAE((28, 28, 1), 4))  # ("encoder", "decoder")
    ```
    """
    parts = {"encoder": mae.encoder, "decoder": mae.decoder}
    return tuple(
        name
        for name, part in parts.items()
        if part is not None and not any(map(_is_trained, part.weights))
    )


def _is_trained(weight: Any) -> bool:
    if weight.name != "bias":
        return False
    # Nothing is known about weights that are traced, which count as trained.
    return not backend.is_concrete(weight.value) or bool(ops.any(weight.value != 0))
