"""`describe_mae`: an MAE in a few words, which differ if its outputs do."""

import hashlib
import json

import numpy as np
from keras import ops

from keras_mra.models.mae import MAE

# What the outputs do not depend on.
_NOT_OF_THE_MAE = ("name", "trainable", "dtype", "seed")


def describe_mae(mae: MAE) -> str:
    """The size of an MAE's images, and a digest of its configuration and weights.

    The digest is the same on every backend.
    """
    config = {k: v for k, v in mae.get_config().items() if k not in _NOT_OF_THE_MAE}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    for weight in mae.weights:
        values = np.asarray(ops.convert_to_numpy(ops.cast(weight, "float32")))
        digest.update(np.ascontiguousarray(values).tobytes())
    size = "x".join(map(str, mae.image_shape))
    return f"images of {size}, weights {digest.hexdigest()[:16]}"
