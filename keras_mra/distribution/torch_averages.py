"""Averages over the processes of PyTorch, for versions of Keras before 3.16.

Keras 3.16 averages gradients and metrics itself. Delete this file when the oldest
supported version of Keras does.
"""

from typing import Any

import keras
import torch

from keras_mra.distribution.keras_distributes import keras_distributes


def averages() -> bool:
    """Returns whether this module, not Keras, has to average over the processes."""
    return _processes() > 1 and not keras_distributes()


def averaged_step(model: Any, data: Any) -> dict[str, Any]:
    """Runs Keras' training step, with gradients averaged over the processes."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    model.zero_grad()
    y_pred = model(x, training=True)
    loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
    # The loss is divided before the sum, so that float16 gradients overflow only where
    # those of one device do.
    model.optimizer.scale_loss(loss / _processes()).backward()
    weights = model.trainable_weights
    gradients = [weight.value.grad for weight in weights]
    _sum_over_processes([gradient for gradient in gradients if gradient is not None])
    with torch.no_grad():
        model.optimizer.apply(gradients, weights)
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss, sample_weight=len(keras.tree.flatten(x)[0]))
    return model.compute_metrics(x, y, y_pred, sample_weight)


def averaged_metrics(results: dict[str, Any]) -> dict[str, Any]:
    """Returns the metrics over all processes, from those of one."""
    with torch.no_grad():
        values = [torch.as_tensor(v) / _processes() for v in results.values()]
        _sum_over_processes(values)
    return dict(zip(results, values))


def _processes() -> int:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_world_size()
    return 1


def _sum_over_processes(tensors: list[torch.Tensor]) -> None:
    """Replaces each tensor by its sum over the processes, in one message."""
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    torch.distributed.all_reduce(flat)
    sizes = [tensor.numel() for tensor in tensors]
    for tensor, total in zip(tensors, flat.split(sizes)):
        tensor.copy_(total.view_as(tensor))
