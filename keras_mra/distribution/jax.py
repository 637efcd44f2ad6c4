"""Distributed training on JAX, where `keras.distribution` does the work.

A process computes on global arrays, so losses, gradients and metrics are those of the
global batch already.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from keras_mra.typing import Array

EXPECTED = "a `keras.distribution.Distribution`"
# `keras.distribution` cuts a stream for each process by itself.
STREAMS_ARE_SHARES = False


def automatic() -> Any:
    if keras.distribution.get_device_count() == 1:
        return None
    return keras.distribution.DataParallel()


def enter(distribution: Any) -> contextlib.AbstractContextManager[Any] | None:
    return None  # `scope` handles a `keras.distribution.Distribution`.


def replicas() -> int:
    return 1


def rank_and_count() -> tuple[int, int]:
    current = keras.distribution.distribution()
    if current is None:
        return 0, 1
    # Processes that hold one replica together bring the same share.
    shares = min(current.num_processes, current.num_model_replicas)
    return current.data_shard_id, shares


def is_main_process() -> bool:
    # Processes that hold one replica together have the same rank.
    return keras.distribution.distribution() is None or jax.process_index() == 0


def numbers_of_all_processes(number: int) -> list[int]:
    if keras.distribution.distribution() is None:
        return [number]
    return multihost_utils.process_allgather(np.array([number])).ravel().tolist()


def jit_compile(preferred: bool) -> bool:
    return preferred


def start(model: Any, random_states: list[Any]) -> None:
    if keras.distribution.distribution() is None:
        return
    # Variables made before the scope, such as those of a user's views, lack it.
    layout = keras.distribution.distribution().get_variable_layout
    variables = [*model.variables, *model.optimizer.variables]
    for v in [*variables, *model.metrics_variables]:
        v.assign(keras.distribution.distribute_tensor(v.value, layout(v)))


def gather_keys(keys: Array) -> tuple[Array, Any]:
    return keys, 0  # They are those of the global batch.


def summed_replicas() -> int:
    return 1


def train_step(model: Any, step: Callable[..., Any], *args: Any) -> Any:
    return step(*args)


def test_step(step: Callable[..., Any], *args: Any) -> Any:
    return step(*args)


def metrics(results: dict[str, Any]) -> dict[str, Any]:
    return results


def builds_symbolically() -> bool:
    return True
