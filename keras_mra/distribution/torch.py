"""Distributed training on PyTorch, in one process per device.

Keras averages gradients and metrics over the processes from version 3.16. Before it,
`torch_averages.py` does.
"""

import contextlib
import os
from collections.abc import Callable
from typing import Any

import torch

from keras_mra.distribution.seeds import seed_offset
from keras_mra.distribution.torch_averages import averaged_metrics
from keras_mra.distribution.torch_averages import averaged_step
from keras_mra.distribution.torch_averages import averages
from keras_mra.typing import Array

EXPECTED = "the process group of all processes, started by `torchrun`"
# A `DistributedSampler` gives each process a stream of its own share.
STREAMS_ARE_SHARES = True


def automatic() -> Any:
    """Returns the group of all processes that `torchrun` started, or `None`."""
    if not torch.distributed.is_available():
        return None
    if not torch.distributed.is_initialized():
        if not torch.distributed.is_torchelastic_launched():
            return None
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        torch.distributed.init_process_group()
    return torch.distributed.group.WORLD


def enter(distribution: Any) -> contextlib.AbstractContextManager[Any] | None:
    if not torch.distributed.is_available():
        return None
    if not isinstance(distribution, torch.distributed.ProcessGroup):
        return None
    if distribution is not torch.distributed.group.WORLD:
        raise ValueError(
            "`distribution` must be the process group of all processes. "
            f"Received: distribution={distribution!r}"
        )
    return contextlib.nullcontext()


def replicas() -> int:
    return rank_and_count()[1]


def rank_and_count() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def is_main_process() -> bool:
    return rank_and_count()[0] == 0


def numbers_of_all_processes(number: int) -> list[int]:
    numbers = [number] * rank_and_count()[1]
    if len(numbers) > 1:
        torch.distributed.all_gather_object(numbers, number)
    return numbers


def jit_compile(preferred: bool) -> bool:
    return preferred


def start(model: Any, random_states: list[Any]) -> None:
    rank, processes = rank_and_count()
    if processes == 1:
        return
    if not model.built:
        raise ValueError(
            "`model` must be built before several processes train it, so that they "
            "start from the same weights: call it on a batch first. Received: a model "
            f"without weights, {model.name!r}"
        )
    # From Keras 3.16, this call copies the variables of the first process to the
    # others, seeds included. It therefore comes before the seeds are spread.
    model.make_train_function()
    for v in [*model.variables, *model.optimizer.variables]:
        value = v.value.detach().contiguous()
        torch.distributed.broadcast(value, src=0)
        v.assign(value)
    for state in random_states:
        offset = torch.tensor([seed_offset(rank), 0], dtype=torch.int32)
        state.assign(state.value + offset.to(state.value.device))


def gather_keys(keys: Array) -> tuple[Array, Any]:
    rank, processes = rank_and_count()
    if processes == 1:
        return keys, 0
    keys = torch.as_tensor(keys).detach().contiguous()
    parts = [torch.empty_like(keys) for _ in range(processes)]
    torch.distributed.all_gather(parts, keys)
    return torch.cat(parts), rank * keys.shape[0]


def summed_replicas() -> int:
    return 1


def train_step(model: Any, step: Callable[..., Any], *args: Any) -> Any:
    return averaged_step(model, *args) if averages() else step(*args)


def test_step(step: Callable[..., Any], *args: Any) -> Any:
    return step(*args)


def metrics(results: dict[str, Any]) -> dict[str, Any]:
    return averaged_metrics(results) if averages() else results


def builds_symbolically() -> bool:
    return True
