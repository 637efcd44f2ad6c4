"""Replicas, the processes that run them, and what they exchange."""

from typing import Any

import keras

from keras_mra.distribution.engine import engine
from keras_mra.typing import Array


def replicas() -> int:
    """Returns the number of replicas that share a batch."""
    if keras.distribution.distribution() is not None:
        return keras.distribution.distribution().num_model_replicas
    return engine.replicas()


def summed_replicas() -> int:
    """Returns the number of replicas whose gradients are summed, not averaged.

    Strategies of TensorFlow sum gradients, so a loss is divided by this number, as
    Keras divides its own losses. It is 1 where gradients are averaged.
    """
    return engine.summed_replicas()


def is_main_process() -> bool:
    """Returns whether this process writes files and prints."""
    return engine.is_main_process()


def check_epochs_done(epochs: int) -> None:
    """Refuses to train if the processes found different checkpoints.

    All processes wait here for each other.

    Args:
        epochs: Int, the epochs that the checkpoint of this process has done.

    Raises:
        ValueError: If another process has a different number.
    """
    found = engine.numbers_of_all_processes(epochs)
    if len(set(found)) > 1:
        raise ValueError(
            "`checkpoint` must be a folder that all processes share. Received: "
            f"checkpoints of {found} epochs, one for each process"
        )


def gather_keys(keys: Array) -> tuple[Array, Any]:
    """Joins the keys of all replicas, without a gradient.

    Call it in `compute_loss`. Keras also traces `call` outside a replica.

    Args:
        keys: Float tensor of shape `(batch, dim)`, the keys of this replica.

    Returns:
        A pair of a tensor of shape `(global batch, dim)`, and the row of this
        replica's first key: an int or an integer scalar tensor.
    """
    return engine.gather_keys(keys)
