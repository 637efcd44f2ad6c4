"""`transfer_weights`: from an `MAE` to one with a new decoder, or of another size."""

from typing import Any

import numpy as np
from keras import ops

from keras_mra.models.convert import named_weights
from keras_mra.models.convert import resized


def transfer_weights(source: Any, model: Any) -> None:
    """Assigns the weights of an `MAE` to another one.

    Learned positions are resized to the other grid. Weights that `source` lacks, such
    as those of a decoder, stay as they are.

    Args:
        source: `MAE`.
        model: `MAE` of the same architecture, except for its `image_shape` and for a
            decoder that `source` lacks.
    """
    variables = named_weights(model)
    for path, variable in named_weights(source).items():
        array = ops.convert_to_numpy(variable)
        if path == "encoder/positions":
            array = np.pad(array, ((1, 0), (0, 0)))  # as if for the class token
            array = resized(array, source.grid, model.grid)[1:]  # (N, dim)
        elif path == "decoder/positions":
            array = resized(array, source.grid, model.grid)  # (1 + N, dim)
        variables[path].assign(array)
