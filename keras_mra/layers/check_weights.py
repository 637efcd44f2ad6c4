"""A check of the weights of an autoencoder that a layer is given."""

import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra.models.mae import MAE


def check_weights(mae: MAE) -> None:
    """Refuses an autoencoder with weights that are not finite.

    Its attention would be NaN, which ranks no patches, and so would its paint. Weights
    that are traced, or read later, are not looked at.

    Raises:
        ValueError: If a weight is NaN or infinite. The message names the tensor.
    """
    for weight in mae.weights:
        if not backend.is_concrete(weight.value):
            continue
        # The variable, because `value` is no tensor under a TensorFlow strategy.
        if not np.isfinite(ops.convert_to_numpy(weight).astype("float32")).all():
            raise ValueError(
                "`mae` must have finite weights. Received: NaN or infinite values in "
                f"{weight.path!r}"
            )
