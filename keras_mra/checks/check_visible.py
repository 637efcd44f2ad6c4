"""Checks of the patches to show."""

import keras
import numpy as np
from keras import ops

from keras_mra.checks.check_images import dtype_name
from keras_mra.checks.check_images import is_concrete
from keras_mra.typing import Array


def visible_rows(visible: Array, batch_size: int | None = None) -> None:
    """Refuses patch indices of another shape or dtype. Values are not checked."""
    shape = tuple(visible.shape)
    if len(shape) != 2:
        raise ValueError(
            "`visible` must have shape (batch, kept): patch indices for each image. "
            f"Received: shape {shape}"
        )
    if None not in (shape[0], batch_size) and shape[0] != batch_size:
        raise ValueError(
            "`visible` must have one row of patch indices per image. Received: "
            f"{shape[0]} rows for {batch_size} images"
        )
    dtype = dtype_name(visible)
    # Under a strategy of TensorFlow, Keras builds models on means over the replicas.
    is_traced = not is_concrete(visible) and not isinstance(visible, keras.KerasTensor)
    if "int" not in dtype and not is_traced:
        raise ValueError(f"`visible` must hold integers. Received: dtype {dtype}")
    if shape[1] == 0:
        raise ValueError("`visible` must keep at least one patch. Received: none")


def visible_indices(
    visible: Array, num_patches: int, batch_size: int | None = None
) -> None:
    """Refuses patch indices that are out of range or repeated.

    The values are checked on concrete data only.
    """
    visible_rows(visible, batch_size)
    if not is_concrete(visible) or visible.shape[0] == 0:
        return
    indices = np.sort(ops.convert_to_numpy(visible), axis=1)
    if indices[:, 0].min() < 0 or indices[:, -1].max() >= num_patches:
        raise ValueError(
            f"`visible` must hold patch indices from 0 to {num_patches - 1}. Received: "
            f"indices from {indices[:, 0].min()} to {indices[:, -1].max()}."
        )
    if (indices[:, 1:] == indices[:, :-1]).any():
        raise ValueError(
            "`visible` must hold each patch at most once. Received: repeated indices."
        )
