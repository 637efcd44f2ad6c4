"""`Recipe`: how long and how fast to pretrain."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from keras_mra import checks
from keras_mra.typing import Path


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The training arguments of the `pretrain_*` functions.

    Attributes:
        epochs: Int.
        learning_rate: Float, the peak rate per 256 images of a batch.
        warmup_epochs: Float, or `None` for a twentieth of the epochs.
        weight_decay: Float.
        steps_per_execution: As in `keras.Model.compile`.
        checkpoint: Folder to resume from and to save to, or `None`.
        tensorboard: Folder for TensorBoard logs, or `None`.
        callbacks: Keras callbacks, or `None`.
        verbose: As in `keras.Model.fit`.

    Raises:
        ValueError: If a number is out of range.
    """

    epochs: int
    learning_rate: float
    warmup_epochs: float | None = None
    weight_decay: float = 0.05
    steps_per_execution: int = 1
    checkpoint: Path | None = None
    tensorboard: Path | None = None
    callbacks: Sequence[keras.callbacks.Callback] | None = None
    verbose: str | int = "auto"

    def __post_init__(self) -> None:
        checks.positive_int("epochs", self.epochs)
        checks.positive_float("learning_rate", self.learning_rate)
        if self.warmup_epochs is not None:
            checks.nonnegative_float("warmup_epochs", self.warmup_epochs)
        checks.nonnegative_float("weight_decay", self.weight_decay)
        checks.positive_int("steps_per_execution", self.steps_per_execution)
        if self.steps_per_execution > 1 and keras.backend.backend() == "torch":
            raise ValueError(
                "`steps_per_execution` must be 1 on PyTorch, which takes one step at a "
                f"time. Received: steps_per_execution={self.steps_per_execution}"
            )
        checks.folder("checkpoint", self.checkpoint)
        checks.folder("tensorboard", self.tensorboard)
        checks.callbacks(self.callbacks)
        checks.verbose(self.verbose)

    @property
    def warmup(self) -> float:
        """The epochs in which the learning rate rises."""
        return self.epochs / 20 if self.warmup_epochs is None else self.warmup_epochs

    def with_callback(self, callback: keras.callbacks.Callback) -> "Recipe":
        """Returns the same recipe with a callback before the others."""
        return dataclasses.replace(self, callbacks=[callback, *(self.callbacks or [])])

    def described(self) -> dict[str, Any]:
        """The numbers that decide the result, for a checkpoint's header."""
        return {
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "warmup_epochs": self.warmup,
            "weight_decay": self.weight_decay,
        }
