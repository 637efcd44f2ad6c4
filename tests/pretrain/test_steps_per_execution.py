"""Several training steps in one call of the backend."""

import itertools
import math
import types

import keras
import numpy as np
import pytest
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import Steps
from helpers.small_pretraining import pretrain
from helpers.small_pretraining import pretrain_at_random

import keras_mra
from keras_mra.pretrain import time_steps
from keras_mra.pretrain.stop_on_bad_loss import StopOnBadLoss
from keras_mra.pretrain.viewed_mae import ViewedMAE

pytestmark = pytest.mark.usefixtures("quick_compilation")
ON_TORCH = keras.backend.backend() == "torch"


@pytest.mark.skipif(ON_TORCH, reason="PyTorch takes one step at a time")
def test_the_training_is_the_same(images):
    """An epoch of three steps ends with a shorter call than the first."""
    alone, together = Steps(), Steps()
    one = pretrain_at_random(images, callbacks=[alone], learning_rate=1e-3)
    two = pretrain_at_random(
        images, callbacks=[together], learning_rate=1e-3, steps_per_execution=2
    )
    assert (alone.count, together.count) == (4 * 3, 4 * 2)
    np.testing.assert_allclose(
        two.history.history["loss"], one.history.history["loss"], rtol=1e-5
    )
    for a, b in zip(two.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("steps", [1] if ON_TORCH else [1, 4])
def test_the_estimate_is_of_one_step(images, monkeypatch, steps):
    """By a clock that goes on by a second when it is read."""
    clock = types.SimpleNamespace(perf_counter=itertools.count().__next__)
    monkeypatch.setattr(time_steps, "time", clock)
    model = ViewedMAE(keras_mra.MAE((8, 8, 1), 2, **SMALL))
    model.compile("adam", steps_per_execution=steps)
    model.optimizer.build(model.trainable_variables)
    seconds = time_steps.seconds_per_step(model, [images], images, steps)
    assert seconds == 1 + 1 / steps  # reading takes a second, and so does a call


@pytest.mark.skipif(not ON_TORCH, reason="the other backends have it")
def test_pytorch_refuses_it(images):
    with pytest.raises(ValueError, match="`steps_per_execution` must be 1.*=2"):
        pretrain(images, steps_per_execution=2)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Its strategies.")
def test_a_bad_loss_under_a_strategy_is_named():
    import tensorflow as tf

    callback = StopOnBadLoss(every=50)
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.5))
        model.optimizer.build(model.trainable_variables)
    callback.set_model(model)
    with pytest.raises(FloatingPointError, match="nan by step 0, .* rate of 0.5"):
        callback.on_epoch_end(0, {"loss": math.nan})


@pytest.mark.once
@pytest.mark.parametrize("steps, checked", [(1, [49, 99]), (8, [55, 111]), (60, [59])])
def test_a_bad_loss_is_found_within_an_epoch(monkeypatch, steps, checked):
    """However many steps lie between two calls; each epoch counts anew."""
    found = []
    callback = StopOnBadLoss(every=50)
    monkeypatch.setattr(callback, "_check", found.append)
    for _ in range(2):
        callback.on_epoch_begin(0)
        for batch in range(steps - 1, 115, steps):
            callback.on_train_batch_end(batch, batch)
    assert found == 2 * checked
