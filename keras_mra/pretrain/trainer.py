"""The one training loop behind every `pretrain_*` function."""

import dataclasses
import math
from typing import Any

import keras

from keras_mra import backend
from keras_mra import checks
from keras_mra import datasets
from keras_mra import distribution
from keras_mra.optimizers import adamw
from keras_mra.pretrain.checkpoint import Checkpoint


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How long and how fast to train; the defaults are MAE's.

    Attributes:
        epochs: Int.
        learning_rate: Float, the peak rate per 256 images of a batch.
        warmup_epochs: Float, or `None` for a twentieth of the epochs.
        weight_decay: Float.
        checkpoint: Folder to resume from and to save to, or `None`.
        tensorboard: Folder for TensorBoard logs, or `None`.
        callbacks: Further Keras callbacks.
        verbose: As in `keras.Model.fit`.
    """

    epochs: int
    learning_rate: float = 1.5e-4
    warmup_epochs: float | None = None
    weight_decay: float = 0.05
    checkpoint: Any = None
    tensorboard: Any = None
    callbacks: Any = None
    verbose: Any = "auto"

    def __post_init__(self):
        object.__setattr__(self, "epochs", checks.positive_int("epochs", self.epochs))
        checks.positive_float("learning_rate", self.learning_rate)
        for name in ("warmup_epochs", "weight_decay"):
            value = getattr(self, name)
            is_number = isinstance(value, (int, float)) and 0 <= value < math.inf
            if value is not None and not is_number:
                raise ValueError(
                    f"`{name}` must be a number, at least 0. Received: {name}={value!r}"
                )


def train(model, data, recipe, run):
    """Trains a model, from its checkpoint if there is one.

    Args:
        model: Keras model that computes its own loss.
        data: `TrainingData`.
        recipe: `Recipe`.
        run: Dict that JSON can hold: what, beside the recipe, defines the run.

    Returns:
        A `keras.callbacks.History` of all epochs, those before a resume included.
    """
    batches, batch_size = distribution.share(data.batches, data.batch_size)
    steps = recipe.epochs * data.steps_per_epoch
    warmup = recipe.warmup_epochs
    warmup = recipe.epochs / 20 if warmup is None else warmup
    optimizer = adamw(
        recipe.learning_rate,
        batch_size,
        steps,
        min(round(warmup * data.steps_per_epoch), steps - 1),
        recipe.weight_decay,
    )
    jit_compile = distribution.jit_compile(backend.fastest_jit_compile(steps))
    model.compile(optimizer=optimizer, jit_compile=jit_compile)
    # The model's own, which a float16 policy has wrapped in loss scaling.
    model.optimizer.build(model.trainable_variables)

    checkpoint, done, logs = None, 0, {}
    callbacks = list(recipe.callbacks or [])
    if recipe.checkpoint is not None:
        run = {
            **run,
            "epochs": recipe.epochs,
            "learning_rate": recipe.learning_rate,
            "warmup_epochs": warmup,
            "weight_decay": recipe.weight_decay,
            "batch_size": batch_size,
            "steps_per_epoch": data.steps_per_epoch,
        }
        checkpoint = Checkpoint(recipe.checkpoint, run)
        done, logs = checkpoint.restore(model)
        distribution.check_epochs_done(done)
        callbacks.append(checkpoint)
    callbacks.insert(0, StopOnBadLoss(checkpoint))
    if recipe.tensorboard is not None and distribution.is_main_process():
        callbacks.append(keras.callbacks.TensorBoard(recipe.tensorboard))
    if hasattr(data.batches, "set_epoch"):
        callbacks.append(datasets.SetEpoch(data.batches))
    history = keras.callbacks.History()
    if done < recipe.epochs:
        history = model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=done,
            steps_per_epoch=data.fit_steps,
            # The order is the data's own; Keras would shuffle it unrepeatably.
            shuffle=False,
            callbacks=callbacks,
            verbose=recipe.verbose if distribution.is_main_process() else 0,
        )
    earlier = {name: values[:done] for name, values in logs.items()}
    history.history = {
        name: earlier.get(name, []) + history.history.get(name, [])
        for name in {**earlier, **history.history}
    }
    history.epoch = list(range(len(history.history["loss"])))
    return history


class StopOnBadLoss(keras.callbacks.Callback):
    """Ends training with an error before a bad epoch is saved over a good one.

    Args:
        checkpoint: `Checkpoint` or `None`: the one that is kept.
        every: Int, batches between looks at the loss, each of which waits for it.
    """

    def __init__(self, checkpoint=None, every=50):
        super().__init__()
        self.checkpoint = checkpoint
        self.every = every

    def on_train_batch_end(self, batch, logs=None):
        if (batch + 1) % self.every == 0:
            self._check(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._check(logs)

    def _check(self, logs):
        loss = float((logs or {}).get("loss", 0.0))
        if math.isfinite(loss):
            return
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # `fit` keeps the state to itself.
        optimizer = self.model.optimizer
        kept = "No checkpoint was asked for"
        if self.checkpoint is not None:
            kept = f"The last good checkpoint is {self.checkpoint.describe()}"
        raise FloatingPointError(
            f"The loss became {loss} by step {int(optimizer.iterations)}, at a "
            f"learning rate of {float(optimizer.learning_rate):.3g}. {kept}; try a "
            "lower `learning_rate` or more `warmup_epochs`."
        )
