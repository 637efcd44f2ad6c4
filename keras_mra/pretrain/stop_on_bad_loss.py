"""`StopOnBadLoss`: ends a training whose loss is no longer a finite number."""

import math
from typing import Any

import keras

from keras_mra.pretrain.checkpoint import Checkpoint


class StopOnBadLoss(keras.callbacks.Callback):
    """Raises an error before the state of a bad epoch replaces a good checkpoint.

    Args:
        checkpoint: The run's `Checkpoint`, which the message describes, or `None`.
        every: Int, batches between two checks within an epoch. A check waits until the
            device has computed the loss.

    Raises:
        FloatingPointError: If the loss is NaN or infinite.
    """

    def __init__(self, checkpoint: Checkpoint | None = None, every: int = 50):
        super().__init__()
        self.checkpoint = checkpoint
        self.every = every
        self.checked = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.checked = 0

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # Keras calls this once for all steps of an execution.
        if batch + 1 >= self.checked + self.every:
            self.checked = batch + 1
            self._check(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._check(logs)

    def _check(self, logs: dict[str, Any] | None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if math.isfinite(loss):
            return
        if keras.backend.backend() == "jax":
            # During `fit`, the variables do not hold the current state.
            self.model.jax_state_sync()
        # A strategy's variable is no number.
        steps = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        kept = "No checkpoint was asked for"
        if self.checkpoint is not None:
            kept = f"The last good checkpoint is {self.checkpoint.describe()}"
        raise FloatingPointError(
            f"The loss became {loss} by step {steps}, at a learning rate of "
            f"{_rate_of_step(self.model.optimizer, steps):.3g}. {kept}; try a lower "
            "`learning_rate` or more `warmup_epochs`."
        )


def _rate_of_step(optimizer: keras.optimizers.Optimizer, step: int) -> float:
    """The learning rate of a step, counted from 1.

    The optimizer's own is that of the next step, which is 0 after the last.
    """
    # A float16 policy has wrapped it in loss scaling.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    rate = optimizer.get_config()["learning_rate"]
    if isinstance(rate, dict):
        rate = keras.saving.deserialize_keras_object(rate)(max(step - 1, 0))
    return float(rate)
