"""Who takes part in training: replicas, and the processes that run them."""

import keras
import numpy as np


def replicas():
    """How many replicas share a batch now."""
    if keras.distribution.distribution() is not None:
        return keras.distribution.distribution().num_model_replicas
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        return tf.distribute.get_strategy().num_replicas_in_sync
    return rank_and_count()[1] if name == "torch" else 1


def is_main_process():
    """Whether this process is the one that writes files and prints."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        resolver = tf.distribute.get_strategy().cluster_resolver
        if resolver is None or not resolver.task_type:
            return True
        return (resolver.task_type, resolver.task_id) in (("chief", 0), ("worker", 0))
    return rank_and_count()[0] == 0


def check_epochs_done(epochs):
    """Refuses to train where the processes found different checkpoints.

    All wait here for each other; without it, some would wait for ever in training.

    Args:
        epochs: Int, the epochs that this process's checkpoint has done.

    Raises:
        ValueError: If it is another number in another process.
    """
    found = _numbers_of_all_processes(epochs)
    if len(set(found)) > 1:
        raise ValueError(
            "`checkpoint` must be a folder that all processes share. Received: "
            f"checkpoints of {found} epochs, one for each process"
        )


def _numbers_of_all_processes(number):
    name = keras.backend.backend()
    if name == "torch" and rank_and_count()[1] > 1:
        import torch

        numbers = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(numbers, number)
        return numbers
    if name == "jax" and keras.distribution.distribution() is not None:
        from jax.experimental import multihost_utils

        return multihost_utils.process_allgather(np.array([number])).ravel().tolist()
    if joins_workers():
        import tensorflow as tf

        strategy = tf.distribute.get_strategy()
        numbers = strategy.run(lambda: tf.constant([number]))
        return strategy.gather(numbers, axis=0).numpy().tolist()
    return [number]


def rank_and_count():
    """This process's number, and how many bring a share of each batch."""
    name = keras.backend.backend()
    if name == "torch":
        import torch

        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
    current = keras.distribution.distribution()
    if name == "jax" and current is not None:
        shares = min(current.num_processes, current.num_model_replicas)
        return current.data_shard_id, shares
    return 0, 1


def joins_workers():
    """Whether a strategy of TensorFlow spans several processes."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    if not tf.distribute.has_strategy():
        return False
    strategy = tf.distribute.get_strategy()
    return strategy.num_replicas_in_sync > len(strategy.extended.worker_devices)
