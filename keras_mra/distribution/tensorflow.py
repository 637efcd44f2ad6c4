"""Distributed training on TensorFlow, where `tf.distribute` does the work.

A strategy runs each step once per replica and sums the gradients.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from keras import ops

from keras_mra.distribution.seeds import seed_offset
from keras_mra.typing import Array

EXPECTED = "a `tf.distribute.Strategy`"
# A strategy shards a `tf.data.Dataset` by itself.
STREAMS_ARE_SHARES = False


def automatic() -> Any:
    """Returns a strategy over all GPUs, or `None`: one in force stays in force."""
    if tf.distribute.has_strategy() or len(tf.config.list_logical_devices("GPU")) < 2:
        return None
    return tf.distribute.MirroredStrategy()


def enter(distribution: Any) -> contextlib.AbstractContextManager[Any] | None:
    if isinstance(distribution, tf.distribute.Strategy):
        return distribution.scope()
    return None


def replicas() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync


def rank_and_count() -> tuple[int, int]:
    return 0, 1  # The strategy cuts the batches.


def is_main_process() -> bool:
    resolver = tf.distribute.get_strategy().cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return (resolver.task_type, resolver.task_id) in (("chief", 0), ("worker", 0))


def numbers_of_all_processes(number: int) -> list[int]:
    if not _joins_workers():
        return [number]
    strategy = tf.distribute.get_strategy()
    numbers = strategy.run(lambda: tf.constant([number]))
    return strategy.gather(numbers, axis=0).numpy().tolist()


def jit_compile(preferred: bool) -> bool:
    """Returns the `jit_compile` of a model in the scope in force.

    Keras cannot compile with XLA under a strategy.
    """
    return preferred and not tf.distribute.has_strategy()


def start(model: Any, random_states: list[Any]) -> None:
    strategy = model.distribute_strategy
    if strategy.num_replicas_in_sync == 1:
        return
    _refuse_options(model)
    created_in_scope = strategy.extended.variable_created_in_scope
    variables = [*model.variables, *model.optimizer.variables]
    outside = [v.path for v in variables if not created_in_scope(v.value)]
    if outside:
        raise ValueError(
            "The model and its views must be made within `strategy.scope()`. "
            f"Received: variables made outside the scope: {', '.join(outside[:3])}"
        )

    @tf.function
    def spread() -> None:
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group, "int64")
        for state in random_states:
            of_first = tf.where(replica == 0, state.value, tf.zeros_like(state.value))
            of_first = context.all_reduce("SUM", of_first)
            state.assign(of_first + tf.stack([seed_offset(replica), 0]))

    strategy.run(spread)


def gather_keys(keys: Array) -> tuple[Array, Any]:
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return keys, 0
    sizes = context.all_gather(tf.shape(keys)[:1], axis=0)
    offset = tf.reduce_sum(sizes[: context.replica_id_in_sync_group])
    return context.all_gather(keys, axis=0), offset


def summed_replicas() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync


def train_step(model: Any, step: Callable[..., Any], *args: Any) -> Any:
    return _with_worker_axis(step(*args))


def test_step(step: Callable[..., Any], *args: Any) -> Any:
    return _with_worker_axis(step(*args))


def metrics(results: dict[str, Any]) -> dict[str, Any]:
    return results


def builds_symbolically() -> bool:
    """Returns whether Keras' trainer may build a model symbolically before training.

    On several workers its symbolic build fails for every model (keras#20585).
    """
    return not _joins_workers()


def _joins_workers() -> bool:
    """Returns whether the strategy in force spans several processes."""
    if not tf.distribute.has_strategy():
        return False
    strategy = tf.distribute.get_strategy()
    return strategy.num_replicas_in_sync > len(strategy.extended.worker_devices)


def _refuse_options(model: Any) -> None:
    """Refuses options that Keras 3.15 does not support on several replicas."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    for name, value, only in (
        ("gradient_accumulation_steps", optimizer.gradient_accumulation_steps, None),
        ("steps_per_execution", model.steps_per_execution, 1),
        ("jit_compile", model.jit_compile, False),
    ):
        if value != only:
            raise ValueError(
                f"`{name}` must be {only} under a `tf.distribute.Strategy` of several "
                f"replicas. Received: {name}={value}"
            )


def _with_worker_axis(results: dict[str, Any]) -> dict[str, Any]:
    """Adds the axis over which Keras averages the results of several workers."""
    if not _joins_workers():
        return results
    return {name: ops.reshape(value, (1,)) for name, value in results.items()}
