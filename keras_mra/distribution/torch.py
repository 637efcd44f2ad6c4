"""Distributed training on PyTorch, in one process per device.

Until `keras.distribution` supports PyTorch (Keras 3.16), this module averages the
gradients and the metrics over the processes. Once a `keras.distribution` is set, it
leaves that to Keras.
"""

import contextlib
import os
from collections.abc import Callable
from typing import Any

import keras
import torch

from keras_mra.distribution.seeds import seed_offset
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
    return _averaged_step(model, *args) if _averages() else step(*args)


def test_step(step: Callable[..., Any], *args: Any) -> Any:
    return step(*args)


def metrics(results: dict[str, Any]) -> dict[str, Any]:
    if not _averages():
        return results
    with torch.no_grad():
        processes = rank_and_count()[1]
        values = [torch.as_tensor(v) / processes for v in results.values()]
        _sum_over_processes(values)
    return dict(zip(results, values))


def builds_symbolically() -> bool:
    return True


def _averages() -> bool:
    """Returns whether this module, not Keras, has to average over processes."""
    return rank_and_count()[1] > 1 and keras.distribution.distribution() is None


def _averaged_step(model: Any, data: Any) -> dict[str, Any]:
    """Runs Keras' training step, with gradients averaged over the processes."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    model.zero_grad()
    y_pred = model(x, training=True)
    loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
    # The loss is divided before the sum, so that float16 gradients overflow only where
    # those of one device do.
    model.optimizer.scale_loss(loss / rank_and_count()[1]).backward()
    weights = model.trainable_weights
    gradients = [weight.value.grad for weight in weights]
    _sum_over_processes([gradient for gradient in gradients if gradient is not None])
    with torch.no_grad():
        model.optimizer.apply(gradients, weights)
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss, sample_weight=len(keras.tree.flatten(x)[0]))
    return model.compute_metrics(x, y, y_pred, sample_weight)


def _sum_over_processes(tensors: list[torch.Tensor]) -> None:
    """Replaces each tensor by its sum over the processes, in one message."""
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    torch.distributed.all_reduce(flat)
    sizes = [tensor.numel() for tensor in tensors]
    for tensor, total in zip(tensors, flat.split(sizes)):
        tensor.copy_(total.view_as(tensor))
