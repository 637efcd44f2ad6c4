"""`pretrain_mae`: its recipe, its views, its devices and its logs."""

import contextlib
import importlib
import math

import keras
import numpy as np
import pytest
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import NoTraining
from helpers.small_pretraining import pretrain
from keras import ops

import keras_mra
from keras_mra.optimizers import adamw
from keras_mra.pretrain import trainer

# The package's attribute of this name is the function.
MODULE = importlib.import_module("keras_mra.pretrain.pretrain_mae")
pytestmark = pytest.mark.usefixtures("quick_compilation")


# --- the recipe ----------------------------------------------------------------------


def published_rate(step, peak, steps, warmup):
    if step < warmup:
        return peak * step / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


@pytest.mark.parametrize("warmup", [0, 4])
def test_learning_rate(warmup):
    optimizer = adamw(
        1e-3, batch_size=512, steps=20, warmup_steps=warmup, weight_decay=0
    )
    schedule = optimizer._learning_rate
    found = [float(schedule(step)) for step in range(20)]
    expected = [published_rate(step, 2e-3, 20, warmup) for step in range(20)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)


def test_learning_rate_while_training(images):
    record = RecordRate()
    pretrain(
        images, epochs=8, batch_size=12, learning_rate=1e-3, warmup_epochs=3,
        callbacks=[record],
    )  # fmt: skip
    peak = 1e-3 * 12 / 256  # scaled by the batch
    expected = [published_rate(step, peak, 8, 3) for step in range(1, 9)]
    np.testing.assert_allclose(record.rates, expected, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(
    "warmup_epochs, warmup_steps", [(None, 6), (5, 15), (0, 0), (0.5, 2), (99, 119)]
)
def test_a_twentieth_of_the_epochs_warms_up(
    images, monkeypatch, warmup_epochs, warmup_steps
):
    def recorded(learning_rate, batch_size, steps, warmup_steps, weight_decay):
        raise NoTraining(learning_rate, batch_size, steps, warmup_steps, weight_decay)

    monkeypatch.setattr(trainer, "adamw", recorded)
    with pytest.raises(NoTraining) as arguments:
        pretrain(images, epochs=40, batch_size=4, warmup_epochs=warmup_epochs)
    assert arguments.value.args == (1.5e-3, 4, 120, warmup_steps, 0.05)


class RecordRate(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.rates = []

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


def test_betas_and_weight_decay():
    """A step without gradient shrinks the kernels, and nothing else."""
    mae = keras_mra.MAE((8, 8, 1), 4, **SMALL)
    optimizer = adamw(0.1, batch_size=256, steps=10, warmup_steps=0, weight_decay=0.5)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.9, 0.95)
    for weight in mae.trainable_weights:
        weight.assign(ops.ones(weight.shape))
    optimizer.build(mae.trainable_variables)
    gradients = [ops.zeros(v.shape) for v in mae.trainable_variables]
    optimizer.apply_gradients(zip(gradients, mae.trainable_variables))
    for weight in mae.trainable_weights:
        decays = weight.name == "kernel"
        assert decays == (len(weight.shape) == 2)
        np.testing.assert_allclose(
            ops.convert_to_numpy(weight), 1 - 0.1 * 0.5 * decays, rtol=1e-6
        )
    others = {w.name for w in mae.trainable_weights} - {"kernel"}
    assert others == {"bias", "gamma", "beta", "class_token", "mask_token"}


@pytest.mark.graph
def test_training_lowers_the_loss():
    columns = np.arange(8)[None, None, :, None]
    phase = np.random.default_rng(0).integers(0, 2, (32, 1, 1, 1))
    stripes = (255 * ((columns // 2 + phase) % 2) * np.ones((1, 8, 1, 1))).astype(
        "uint8"
    )
    mae = pretrain(
        stripes, epochs=25, batch_size=16, learning_rate=0.1, view=None, mask_ratio=0.5,
        smooth_fill=False,
    )  # fmt: skip
    losses = mae.history.history["loss"]
    assert np.mean(losses[-3:]) < 0.5 * losses[0]


def test_seeds_decide_the_run(images):
    one, same, other = (pretrain(images, seed=seed, batch_size=6) for seed in (1, 1, 2))
    for a, b in zip(one.get_weights(), same.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert one.history.history == same.history.history != other.history.history


# --- views ---------------------------------------------------------------------------


class Watch(keras.layers.Layer):
    """A view that turns images black."""

    def __init__(self):
        super().__init__(autocast=False)
        self.flags = []

    def call(self, images, training=None):
        self.flags.append(training)
        return ops.zeros_like(images)


def test_a_given_view_is_what_the_model_sees(images):
    view = Watch()
    mae = pretrain(images, view=view, mask_ratio=0.5, smooth_fill=False)
    assert True in view.flags
    black, seen = np.zeros_like(images), mae.history.history["loss"][0]
    initial = keras_mra.MAE((8, 8, 1), 2, mask_ratio=0.5, **SMALL)
    visible = np.tile(np.arange(8, dtype="int32"), (12, 1))
    dark = float(ops.stop_gradient(initial.reconstruction_loss(black, visible)))
    bright = float(ops.stop_gradient(initial.reconstruction_loss(images, visible)))
    assert abs(seen - dark) < abs(seen - bright)


def test_the_default_view_is_the_weak_one(images, monkeypatch):
    asked = []

    def weak(image_shape, value_range, seed, crop_scale):
        asked.append((image_shape, value_range, seed, crop_scale))
        return keras.layers.Identity()

    monkeypatch.setattr(MODULE, "weak", weak)
    pretrain(images, seed=7, crop_scale=(0.2, 0.5))
    assert asked == [((8, 8, 1), (0.0, 255.0), 7, (0.2, 0.5))]


# --- devices -------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.parametrize("given", [None, "auto"])
def test_the_model_and_its_view_are_made_and_trained_on_the_distribution(
    images, monkeypatch, given
):
    """What a strategy of TensorFlow asks for, on every backend."""
    events = []

    @contextlib.contextmanager
    def scope(distribution):
        events.append(("entered", distribution))
        yield
        events.append("left")

    def recorded(name):
        original = getattr(MODULE, name)

        def record(*args, **kwargs):
            events.append(name)
            return original(*args, **kwargs)

        monkeypatch.setattr(MODULE, name, record)

    monkeypatch.setattr(MODULE, "scope", scope)
    for name in ("prepare", "weak", "ViewedMAE", "train"):
        recorded(name)
    pretrain(images, distribution=given)
    made = ["prepare", "weak", "ViewedMAE", "train"]
    assert events == [("entered", given), *made, "left"]


# --- callbacks and logs --------------------------------------------------------------


def test_callbacks(images):
    epochs = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append((epoch, sorted(logs)))
    )
    pretrain(images, epochs=2, callbacks=[callback])
    assert epochs == [(0, ["loss"]), (1, ["loss"])]


def test_tensorboard(images, tmp_path):
    pytest.importorskip("tensorboard")
    pytest.importorskip("tensorflow")
    pretrain(images, tensorboard=tmp_path / "logs")
    assert list((tmp_path / "logs").rglob("events*"))


def test_progress_bar(images, capsys):
    pretrain(images, verbose=1)
    out = capsys.readouterr().out
    assert "1/1" in out and "loss" in out
    pretrain(images, verbose=0)
    assert "loss" not in capsys.readouterr().out
