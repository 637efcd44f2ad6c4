"""One training step on many replicas: what Keras' own engines leave to do."""

import keras
from keras import ops

from keras_mra.distribution.processes import joins_workers
from keras_mra.distribution.processes import rank_and_count

# Seeds of two replicas are a multiple of this apart: the golden ratio's share of
# 2**32, which spreads any number of them.
SEED_STRIDE = 0x9E3779B9


def gather_keys(keys):
    """Joins what each replica holds into the global batch, without a gradient.

    Call it in `compute_loss`, not in `call`, which is also traced outside a replica.

    Args:
        keys: Tensor of shape `(batch, dim)`.

    Returns:
        Tensor of shape `(global batch, dim)`, and the row of this replica's first key.
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return keys, 0
        sizes = context.all_gather(tf.shape(keys)[:1], axis=0)
        offset = tf.reduce_sum(sizes[: context.replica_id_in_sync_group])
        return context.all_gather(keys, axis=0), offset
    rank, processes = rank_and_count()
    if name != "torch" or processes == 1:
        return keys, 0  # JAX's batch is the global one.
    import torch

    parts = [torch.empty_like(keys) for _ in range(processes)]
    torch.distributed.all_gather(parts, keys.detach().contiguous())
    return torch.cat(parts), rank * keys.shape[0]


def summed_replicas():
    """How many replicas' gradients are added up; others are averaged.

    TensorFlow's strategies add, and Keras' losses are divided by this number for it.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


class DistributedModel(keras.Model):
    """A `keras.Model` that trains on one device or on many.

    `fit` begins with one state on all replicas, only their random seeds differ. On
    PyTorch the gradients and the reported metrics are averaged over the processes,
    unless a `keras.distribution` is set, which Keras 3.16 brings for PyTorch too.
    """

    def fit(self, *args, **kwargs):
        if self.compiled:
            start(self)
        return super().fit(*args, **kwargs)

    def train_step(self, *args):
        if _joins_processes():
            return _averaged_step(self, *args)
        results = super().train_step(*args)
        return _with_axis(results) if joins_workers() else results

    def test_step(self, *args):
        results = super().test_step(*args)
        return _with_axis(results) if joins_workers() else results

    def _maybe_symbolic_build(self, *args, **kwargs):
        # Of TensorFlow's trainer. It fails for any model on several workers
        # (keras#20585), and is for models that are not built yet.
        if not joins_workers():
            super()._maybe_symbolic_build(*args, **kwargs)

    def get_metrics_result(self):
        results = super().get_metrics_result()
        return _averaged_results(results) if _joins_processes() else results


def start(model):
    """Gives all replicas the state of the first, and seeds of their own.

    Args:
        model: Compiled model.

    Raises:
        ValueError: If a part of the model was not made for the distribution.
    """
    variables = [*model.variables, *model.optimizer.variables]
    weights = {id(v) for v in model.weights}
    seeds = [v for v in model.variables if id(v) not in weights]
    name = keras.backend.backend()
    if name == "tensorflow":
        _start_strategy(model, variables, seeds)
    elif name == "torch":
        _start_processes(variables, seeds)
    elif keras.distribution.distribution() is not None:
        # Layers that were made before the scope, such as a user's views.
        layout = keras.distribution.distribution().get_variable_layout
        for v in [*variables, *model.metrics_variables]:
            v.assign(keras.distribution.distribute_tensor(v.value, layout(v)))


def _start_strategy(model, variables, seeds):
    strategy = model.distribute_strategy
    if strategy.num_replicas_in_sync == 1:
        return
    import tensorflow as tf

    _refuse_what_strategies_cannot(model)
    created = strategy.extended.variable_created_in_scope
    strangers = [v.path for v in variables if not created(v.value)]
    if strangers:
        raise ValueError(
            "The model and its views must be made within `strategy.scope()`. "
            f"Received: variables made outside of it: {', '.join(strangers[:3])}"
        )

    @tf.function
    def spread():
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group, "int64")
        for seed in seeds:
            of_first = tf.where(replica == 0, seed.value, tf.zeros_like(seed.value))
            of_first = context.all_reduce("SUM", of_first)
            seed.assign(of_first + tf.stack([_seed_offset(replica), 0]))

    strategy.run(spread)


def _refuse_what_strategies_cannot(model):
    """Names what fails in Keras 3.15 with a replica on each device, for any model."""
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


def _with_axis(results):
    """Gives each result the axis over which Keras takes the mean of the workers."""
    return {name: ops.reshape(value, (1,)) for name, value in results.items()}


def _joins_processes():
    """Whether this module has to join processes, because Keras does not."""
    if keras.backend.backend() != "torch" or rank_and_count()[1] == 1:
        return False
    return keras.distribution.distribution() is None


def _start_processes(variables, seeds):
    rank, processes = rank_and_count()
    if processes == 1:
        return
    import torch

    for v in variables:
        value = v.value.detach().contiguous()
        torch.distributed.broadcast(value, src=0)
        v.assign(value)
    for seed in seeds:
        offset = torch.tensor([_seed_offset(rank), 0], dtype=torch.int32)
        seed.assign(seed.value + offset.to(seed.value.device))


def _seed_offset(replica):
    return replica * SEED_STRIDE % 2**31


def _averaged_step(model, data):
    """Keras' own step for PyTorch, with the gradients averaged over the processes."""
    import torch

    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    model.zero_grad()
    y_pred = model(x, training=True)
    loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
    # Divided before, not after: float16 overflows then as it does on one device.
    model.optimizer.scale_loss(loss / rank_and_count()[1]).backward()
    weights = model.trainable_weights
    gradients = [weight.value.grad for weight in weights]
    _add_up([gradient for gradient in gradients if gradient is not None])
    with torch.no_grad():
        model.optimizer.apply(gradients, weights)
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss, sample_weight=len(keras.tree.flatten(x)[0]))
    return model.compute_metrics(x, y, y_pred, sample_weight)


def _averaged_results(results):
    import torch

    with torch.no_grad():
        values = [torch.as_tensor(v) / rank_and_count()[1] for v in results.values()]
        _add_up(values)
    return dict(zip(results, values))


def _add_up(tensors):
    """Replaces each tensor by its sum over the processes, in one message."""
    import torch

    flat = torch.cat([tensor.flatten() for tensor in tensors])
    torch.distributed.all_reduce(flat)
    sizes = [tensor.numel() for tensor in tensors]
    for tensor, total in zip(tensors, flat.split(sizes)):
        tensor.copy_(total.view_as(tensor))
