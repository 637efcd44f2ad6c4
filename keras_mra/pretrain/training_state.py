"""The whole state of a training: what a checkpoint holds, and what timing restores."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def state_variables(model: keras.Model) -> list[keras.Variable]:
    """Weights, seeds of random layers and the optimizer of a compiled model.

    A frozen attention teacher does not change, so it is left out.
    """
    teacher = getattr(model, "attention_teacher", None)
    unchanged = {id(v) for v in teacher.variables} if teacher is not None else set()
    weights = [v for v in model.variables if id(v) not in unchanged]
    return [*weights, *model.optimizer.variables]


def read_state(variables: Sequence[keras.Variable]) -> list[np.ndarray[Any, Any]]:
    """The values of variables as NumPy arrays of their own memory."""
    return [_to_numpy(variable) for variable in variables]


def write_state(
    variables: Sequence[keras.Variable], arrays: Sequence[np.ndarray[Any, Any]]
) -> None:
    """Gives variables the values that `read_state` returned."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(ops.cast(array, variable.dtype))


def _to_numpy(variable: keras.Variable) -> np.ndarray[Any, Any]:
    # `variable.value` is not always a tensor under a TensorFlow strategy. A copy:
    # PyTorch's arrays share their memory with the variables.
    array = np.array(ops.convert_to_numpy(variable))
    # `.npz` has no bfloat16.
    return array.astype("float32") if array.dtype.name == "bfloat16" else array
