"""`train`: the one training loop of the `pretrain_*` functions."""

import time
from typing import Any

import keras

from keras_mra import backend
from keras_mra import datasets
from keras_mra import distribution
from keras_mra.distribution.engine import engine
from keras_mra.models import MAE
from keras_mra.optimizers import adamw
from keras_mra.pretrain.checkpoint import Checkpoint
from keras_mra.pretrain.plan import describe_plan
from keras_mra.pretrain.recipe import Recipe
from keras_mra.pretrain.stop_on_bad_loss import StopOnBadLoss
from keras_mra.pretrain.time_steps import seconds_per_step
from keras_mra.pretrain.training_data import TrainingData
from keras_mra.pretrain.warn_of_unused_ratios import warn_of_unused_ratios


def train(
    model: keras.Model,
    data: TrainingData,
    recipe: Recipe,
    run: dict[str, Any],
    mae: MAE | None = None,
) -> keras.callbacks.History:
    """Trains a model, from its checkpoint if there is one.

    Args:
        model: Keras model that computes its own loss.
        data: The batches to train on.
        recipe: How long and how fast to train.
        run: Dict that JSON can hold: what defines the run, beside the recipe and the
            size of the data. A checkpoint of another run is refused.
        mae: The `MAE` inside `model`. Unless the recipe's `verbose` is 0, what is about
            to be trained is then printed, with an estimate of the time.

    Returns:
        A `keras.callbacks.History` of all epochs. Epochs before a resume are included,
        and also counted in its `seconds`, the duration.

    Raises:
        ValueError: If the checkpoint is unreadable or belongs to another run.
        FloatingPointError: If the loss becomes NaN or infinite.
    """
    batches, batch_size = distribution.share(data.batches, data.batch_size)
    if mae is not None:
        warn_of_unused_ratios(mae, batch_size // engine.replicas())
    steps = recipe.epochs * data.steps_per_epoch
    optimizer = adamw(
        recipe.learning_rate,
        batch_size,
        steps,
        min(round(recipe.warmup * data.steps_per_epoch), steps - 1),
        recipe.weight_decay,
    )
    jit_compile = distribution.jit_compile(backend.fastest_jit_compile(steps))
    model.compile(
        optimizer=optimizer,
        jit_compile=jit_compile,
        steps_per_execution=recipe.steps_per_execution,
    )
    # Not `optimizer`: a float16 policy has wrapped it in loss scaling.
    model.optimizer.build(model.trainable_variables)

    started = time.monotonic()
    checkpoint: Checkpoint | None = None
    done, logs = 0, dict[str, list[float]]()
    callbacks = list(recipe.callbacks or [])
    if recipe.checkpoint is not None:
        size = {"batch_size": batch_size, "steps_per_epoch": data.steps_per_epoch}
        checkpoint = Checkpoint(
            recipe.checkpoint, {**run, **recipe.described(), **size}
        )
        done, logs = checkpoint.restore(model)
        distribution.check_epochs_done(done)
        callbacks.append(checkpoint)
    callbacks.insert(0, StopOnBadLoss(checkpoint))
    if mae is not None and recipe.verbose != 0:
        # All processes take these steps, because they train together.
        step = 0.0
        if done < recipe.epochs:
            step = seconds_per_step(
                model, batches, data.first_images, recipe.steps_per_execution
            )
        if distribution.is_main_process():
            # To the standard output, as the progress of `fit`, which `verbose` rules.
            print(describe_plan(mae, data, recipe, batch_size, done, step))
    if recipe.tensorboard is not None and distribution.is_main_process():
        callbacks.append(keras.callbacks.TensorBoard(recipe.tensorboard))
    if hasattr(data.batches, "set_epoch"):
        # First, so that others see the epoch that follows, as behind a `PyDataset`.
        callbacks.insert(0, datasets.SetEpoch(data.batches))
    history = keras.callbacks.History()
    if isinstance(batches, datasets.EpochDataset):
        batches = backend.batches_for_fit(batches)
    if done < recipe.epochs:
        history = model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=done,
            steps_per_epoch=data.fit_steps,
            # The data have their own order. Keras' shuffling cannot be repeated.
            shuffle=False,
            callbacks=callbacks,
            verbose=recipe.verbose if distribution.is_main_process() else 0,
        )
    history = _with_earlier_epochs(history, logs)
    history.seconds = (
        time.monotonic() - started if checkpoint is None else checkpoint.seconds
    )
    return history


def _with_earlier_epochs(
    history: keras.callbacks.History, earlier: dict[str, list[float]]
) -> keras.callbacks.History:
    """Puts the logs of earlier epochs before those of a resumed run."""
    history.history = {
        name: earlier.get(name, []) + history.history.get(name, [])
        for name in {**earlier, **history.history}
    }
    history.epoch = list(range(len(history.history["loss"])))
    return history
