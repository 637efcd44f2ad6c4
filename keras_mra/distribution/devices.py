"""The devices of a user's `distribution`, for whatever is made and trained there."""

import contextlib
import os

import keras


@contextlib.contextmanager
def scope(distribution):
    """Everything made and trained inside is on the devices of a distribution.

    Args:
        distribution: `keras.distribution.Distribution` on JAX, `tf.distribute.Strategy`
            on TensorFlow, a process group of all processes on PyTorch; `"auto"` for
            all devices that there are; `None` for whatever is in force.

    Raises:
        ValueError: If it is none of this backend's.
    """
    if isinstance(distribution, str) and distribution == "auto":
        make = {
            "jax": _data_parallel,
            "tensorflow": _mirrored_strategy,
            "torch": _process_group,
        }
        distribution = make[keras.backend.backend()]()
    with _entered(distribution):
        current = keras.distribution.distribution()
        shards_itself = getattr(current, "auto_shard_dataset", None)
        try:
            yield
        finally:
            if current is not None:
                current.auto_shard_dataset = shards_itself  # `share` turns it off


def jit_compile(preferred):
    """The `jit_compile` to use: XLA and TensorFlow's strategies do not mix."""
    if keras.backend.backend() != "tensorflow":
        return preferred
    import tensorflow as tf

    return preferred and not tf.distribute.has_strategy()


def _entered(distribution):
    """The context of a distribution, checked."""
    name = keras.backend.backend()
    if distribution is None:
        return contextlib.nullcontext()
    if hasattr(distribution, "device_mesh") and _keras_distributes():
        return distribution.scope()
    if name == "tensorflow":
        import tensorflow as tf

        if isinstance(distribution, tf.distribute.Strategy):
            return distribution.scope()
    if name == "torch":
        import torch

        if isinstance(distribution, torch.distributed.ProcessGroup):
            if distribution is not torch.distributed.group.WORLD:
                raise ValueError(
                    "`distribution` must be the process group of all processes. "
                    f"Received: distribution={distribution!r}"
                )
            return contextlib.nullcontext()
    expected = {
        "jax": "a `keras.distribution.Distribution`",
        "tensorflow": "a `tf.distribute.Strategy`",
        "torch": "the process group of all processes, started by `torchrun`",
    }
    raise ValueError(
        f"`distribution` must be {expected[name]}, 'auto' or None on the {name} "
        f"backend. Received: distribution={distribution!r} "
        f"(of type {type(distribution).__name__})"
    )


def _keras_distributes():
    """Whether `keras.distribution` works on this backend."""
    try:
        keras.distribution.get_device_count()
    except (AttributeError, NotImplementedError):
        return False
    return True


def _data_parallel():
    """All devices of JAX, or `None` where there is one."""
    if keras.distribution.get_device_count() == 1:
        return None
    return keras.distribution.DataParallel()


def _mirrored_strategy():
    """All GPUs of TensorFlow, or `None` where there are less than two."""
    import tensorflow as tf

    if tf.distribute.has_strategy() or len(tf.config.list_logical_devices("GPU")) < 2:
        return None
    return tf.distribute.MirroredStrategy()


def _process_group():
    """The group of all processes that `torchrun` started, or `None`."""
    import torch

    if not torch.distributed.is_initialized():
        if not torch.distributed.is_torchelastic_launched():
            return None
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        torch.distributed.init_process_group()
    return torch.distributed.group.WORLD
