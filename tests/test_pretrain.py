import json
import math
import types

import keras
import numpy as np
import pytest
from conftest import TINY
from keras import ops

import keras_mra
from keras_mra import backend
from keras_mra.models import presets
from keras_mra.pretrain import trainer
from keras_mra.pretrain.inputs import training_data
from keras_mra.pretrain.optimizer import adamw
from keras_mra.pretrain.prepare import fitting_patch


class NoTraining(Exception):
    pass


SMALL = {**TINY, "encoder_depth": 1}


pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype="uint8")


LABELS = np.arange(12, dtype="int32")


class Steps(keras.callbacks.Callback):
    """Counts the training steps."""

    count = 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1


def pretrain(ds, **arguments):
    defaults = dict(preset="mae_nano", patch_size=2, epochs=1, verbose=0, **SMALL)
    return keras_mra.pretrain_mae(ds, **{**defaults, **arguments})


# --- every kind of data --------------------------------------------------------------


class Batches(keras.utils.PyDataset):
    """Someone else's data set: three batches of four."""

    def __init__(self, images, labels=None):
        super().__init__()
        self.images, self.labels = images, labels

    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        if self.labels is None:
            return self.images[rows]
        return self.images[rows], self.labels[rows]


def tf_data(*arrays):
    tf = pytest.importorskip("tensorflow")
    arrays = arrays if len(arrays) > 1 else arrays[0]
    return tf.data.Dataset.from_tensor_slices(arrays).batch(4)


def tf_data_of_unknown_length(*arrays):
    return tf_data(*arrays).filter(lambda *_: True)


def grain_source(arrays):
    class Source:
        def __len__(self):
            return 12

        def __getitem__(self, index):
            rows = tuple(a[index] for a in arrays)
            return rows if len(rows) > 1 else rows[0]

    return Source()


def grain_map(*arrays):
    grain = pytest.importorskip("grain")
    return grain.MapDataset.source(grain_source(arrays)).batch(4)


def grain_iter(*arrays):
    return grain_map(*arrays).to_iter_dataset()


def grain_loader(*arrays):
    grain = pytest.importorskip("grain")
    return grain.DataLoader(
        data_source=grain_source(arrays),
        sampler=grain.samplers.IndexSampler(12, num_epochs=1, shuffle=False, seed=0),
        operations=[grain.transforms.Batch(4)],
    )


def torch_loader(*arrays):
    torch = pytest.importorskip("torch")
    tensors = torch.utils.data.TensorDataset(*map(torch.from_numpy, arrays))
    return torch.utils.data.DataLoader(tensors, batch_size=4)


STREAMS = [
    Batches, tf_data, tf_data_of_unknown_length, grain_map, grain_iter, grain_loader,
    torch_loader,
]  # fmt: skip


@pytest.mark.parametrize("stream", STREAMS)
def test_streams_with_labels(images, stream):
    steps = Steps()
    mae = pretrain(stream(images, LABELS), epochs=2, callbacks=[steps])
    assert isinstance(mae, keras_mra.MAE)
    assert mae.image_shape == (8, 8, 1) and mae.grid == (4, 4)
    losses = mae.history.history["loss"]
    assert len(losses) == 2 and np.isfinite(losses).all()
    assert steps.count == 6


@pytest.mark.parametrize("stream", STREAMS)
def test_streams_without_labels_are_the_same_data(images, stream):
    data, labelled = (
        training_data(stream(*arrays), None, None, None, 0)
        for arrays in [(images,), (images, LABELS)]
    )
    for found in (data, labelled):
        assert found.image_shape == (8, 8, 1)
        assert (found.batch_size, found.steps_per_epoch) == (4, 3)
        np.testing.assert_array_equal(found.first_images, images[:4])


def test_arrays(images):
    steps = Steps()
    mae = pretrain((images, LABELS), batch_size=5, epochs=2, callbacks=[steps])
    assert steps.count == 4  # the rest of two is dropped in each epoch
    assert len(mae.history.history["loss"]) == 2


@pytest.mark.parametrize("make", [lambda x: x, lambda x: (x,), lambda x: [x, LABELS]])
def test_arrays_with_and_without_labels_are_the_same_data(images, make):
    found = training_data(make(images), 5, None, None, 0)
    expected = training_data((images, LABELS), 5, None, None, 0)
    np.testing.assert_array_equal(found.first_images, expected.first_images)
    assert found.image_shape == (8, 8, 1)
    assert (found.batch_size, found.steps_per_epoch) == (5, 2)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
def test_tensors_and_dtypes_are_the_same_data(images, dtype):
    found = training_data(
        ops.convert_to_tensor(images.astype(dtype)), 12, None, None, 0
    )
    assert found.first_images.dtype == dtype
    np.testing.assert_array_equal(
        np.sort(found.first_images, axis=0), np.sort(images.astype(dtype), axis=0)
    )


def test_fewer_images_than_a_default_batch(images):
    found = training_data(images, None, None, None, 0)
    assert (found.batch_size, found.steps_per_epoch) == (12, 1)


def bare_torch_loader(images):
    """Batches that are tensors, where those of a `TensorDataset` are lists."""
    torch = pytest.importorskip("torch")
    return torch.utils.data.DataLoader(torch.from_numpy(images), batch_size=4)


@pytest.mark.parametrize("stream", [tf_data, bare_torch_loader])
def test_streams_without_labels(images, stream):
    steps = Steps()
    pretrain(stream(images), callbacks=[steps])
    assert steps.count == 3


def test_data_names():
    pytest.importorskip("sklearn")
    steps = Steps()
    mae = pretrain("digits", batch_size=512, callbacks=[steps])
    assert mae.image_shape == (8, 8, 1)
    assert steps.count == 2


def test_few_steps_do_without_tensorflows_xla(images, monkeypatch):
    fastest, asked = backend.fastest_jit_compile, []
    assert [fastest(steps) for steps in (None, 200, 199)] == {
        "tensorflow": [True, True, False],
        "jax": [True] * 3,
        "torch": [False] * 3,
    }[keras.backend.backend()]
    monkeypatch.setattr(
        backend,
        "fastest_jit_compile",
        lambda steps: asked.append(steps) or fastest(steps),
    )
    pretrain(images, epochs=2, batch_size=len(images) // 3)
    assert asked == [6]


@pytest.mark.xla
def test_data_alone_is_enough(images, monkeypatch):
    """`pretrain_mae(ds)`: the default preset's place is taken by a small one."""
    tiny = {**presets.architecture("mae_mini"), **SMALL}
    monkeypatch.setitem(presets.ARCHITECTURES, "mae_mini", {"config": tiny})
    before = images.copy()
    mae = keras_mra.pretrain_mae(images)
    assert (mae.image_shape, mae.patch_size) == ((8, 8, 1), (1, 1))
    losses = mae.history.history["loss"]
    assert len(losses) == 100 == len(mae.history.epoch)
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    np.testing.assert_array_equal(images, before)
    # It is an MAE like any other: it paints, and it can be fitted on.
    visible = np.arange(16, dtype="int32")[None]
    assert tuple(mae.reconstruct(images[:1], visible).shape) == (1, 8, 8, 1)


@pytest.mark.parametrize(
    "image_shape, patch_size, fitting",
    [
        ((224, 224, 3), 16, (16, 16)),
        ((28, 28, 1), 4, (4, 4)),
        ((28, 28, 1), 16, (4, 4)),
        ((32, 32, 3), 16, (4, 4)),
        ((64, 96, 3), 16, (8, 8)),
        ((8, 8, 1), 16, (1, 1)),
        ((56, 56, 3), (4, 8), (4, 8)),
        ((5, 5, 1), 16, (1, 1)),
    ],
)
def test_fitting_patch(image_shape, patch_size, fitting):
    assert fitting_patch(image_shape, patch_size) == fitting


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
    assert arguments.value.args == (1.5e-4, 4, 120, warmup_steps, 0.05)


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
        stripes, epochs=25, batch_size=16, learning_rate=0.1, view=None, mask_ratio=0.5
    )
    losses = mae.history.history["loss"]
    assert np.mean(losses[-3:]) < 0.5 * losses[0]


def test_seeds_decide_the_run(images):
    one, same, other = (pretrain(images, seed=seed, batch_size=6) for seed in (1, 1, 2))
    for a, b in zip(one.get_weights(), same.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert one.history.history == same.history.history != other.history.history


def test_arguments_of_the_model(images):
    mae = pretrain(
        images / np.float32(255), value_range=(0, 1), mask_ratio=0.5,
        norm_pix_loss=True, dtype="mixed_bfloat16",
    )  # fmt: skip
    assert (mae.value_range, mae.mask_ratio, mae.norm_pix_loss) == ((0, 1), 0.5, True)
    assert mae.dtype_policy.name == "mixed_bfloat16"


def test_training_goes_on_from_a_preset_with_weights(images, tmp_path):
    first = pretrain(images)
    first.save_to_preset(tmp_path)
    second = keras_mra.pretrain_mae(
        images, preset=tmp_path, epochs=1, learning_rate=1e-9, verbose=0
    )
    assert second.patch_size == first.patch_size == (2, 2)
    for a, b in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-6)


# --- views ---------------------------------------------------------------------------


class Watch(keras.layers.Layer):
    """A view that turns images black; a model that is shown it has no loss to lower."""

    def __init__(self):
        super().__init__(autocast=False)
        self.flags = []

    def call(self, images, training=None):
        self.flags.append(training)
        return ops.zeros_like(images)


def test_a_view_of_ones_own(images):
    view = Watch()
    mae = pretrain(images, view=view, mask_ratio=0.5)
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

    monkeypatch.setattr("keras_mra.pretrain.mae.weak", weak)
    pretrain(images, seed=7, crop_scale=(0.2, 0.5))
    assert asked == [((8, 8, 1), (0.0, 255.0), 7, (0.2, 0.5))]


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


# --- bad input -----------------------------------------------------------------------


@pytest.fixture
def no_training(monkeypatch):
    """Errors must come before any work."""

    def refuse(*_, **__):
        raise NoTraining

    monkeypatch.setattr(keras.Model, "fit", refuse)


@pytest.mark.parametrize(
    "ds, pattern",
    [
        (np.zeros((0, 8, 8, 1), "uint8"), "`ds` must not be empty"),
        (np.zeros((12, 8, 8), "uint8"), r"rank 4.*\(12, 8, 8\)"),
        (np.zeros((12,), "uint8"), r"rank 4.*\(12,\)"),
        ((np.zeros((4, 8, 8, 1)),) * 3, "`ds` must be .*tuple of 3"),
        ((), "`ds` must be .*tuple of 0"),
        (([[1]], [2]), "`ds` must be .*list"),
        (3, "`ds` must be an array of images.*int"),
        (None, "`ds` must be an array of images.*NoneType"),
        ({"images": np.zeros((4, 8, 8, 1))}, "`ds` must be an array of images.*dict"),
        ((x for x in [1]), "`ds` must be an array of images.*generator"),
        ("cifar", "fashion_mnist, digits, folder:PATH, tfds:NAME.*'cifar'"),
        (np.full((4, 8, 8, 1), np.nan, "float32"), "`ds` must be finite"),
        (np.full((4, 8, 8, 1), np.inf, "float32"), "`ds` must be finite"),
        (np.full((4, 8, 8, 1), 300.0, "float32"), "`ds` must lie in .*`value_range`"),
        (np.zeros((4, 8, 8, 1), bool), "`ds` must hold integers or floats.*bool"),
        ((np.zeros((4, 8, 8, 1), "uint8"), np.zeros(3)), "4 images|3 labels"),
    ],
)
def test_bad_data(no_training, ds, pattern):
    with pytest.raises(ValueError, match=pattern):
        pretrain(ds)


@pytest.mark.parametrize("stream", [tf_data, grain_map, grain_iter, torch_loader])
def test_batches_of_another_rank(no_training, stream):
    flat = np.zeros((12, 8, 8), "uint8")
    with pytest.raises(ValueError, match=r"rank 4.*\(4, 8, 8\)"):
        pretrain(stream(flat, LABELS))


def test_an_empty_stream(no_training, images):
    with pytest.raises(ValueError, match="`ds` must not be empty"):
        pretrain(tf_data(images).take(0))
    with pytest.raises(ValueError, match="`ds` must not be empty"):
        pretrain(grain_map(images)[:0])

    class Empty(Batches):
        def __len__(self):
            return 0

        def __getitem__(self, index):
            raise IndexError(index)

    with pytest.raises(ValueError, match="`ds` must not be empty"):
        pretrain(Empty(images))


def test_batches_that_are_no_images(no_training, images):
    ds = tf_data({"images": images}, LABELS)
    with pytest.raises(
        ValueError, match="must be images or pairs of images and labels"
    ):
        pretrain(ds)


@pytest.mark.parametrize("stream", STREAMS)
def test_streams_have_their_own_batches(no_training, images, stream):
    with pytest.raises(ValueError, match="`batch_size` must be None.*batch_size=4"):
        pretrain(stream(images), batch_size=4)


@pytest.mark.parametrize(
    "endless",
    [lambda x: tf_data(x).repeat(), lambda x: grain_map(x).repeat()],
    ids=["tf.data", "grain"],
)
def test_streams_without_end(images, endless):
    with pytest.raises(ValueError, match="`steps_per_epoch` must be given"):
        training_data(endless(images), None, None, None, 0)
    assert training_data(endless(images), None, None, 5, 0).steps_per_epoch == 5


def test_steps_per_epoch_of_an_endless_stream(images):
    steps = Steps()
    mae = pretrain(
        tf_data(images).repeat(), steps_per_epoch=5, epochs=2, callbacks=[steps]
    )
    assert steps.count == 10
    assert len(mae.history.history["loss"]) == 2


@pytest.mark.parametrize(
    "arguments, pattern",
    [
        (dict(epochs=0), "`epochs` must be a positive integer.*epochs=0"),
        (dict(epochs=1.5), "`epochs` must be a positive integer"),
        (dict(learning_rate=0), "`learning_rate` must be a positive number"),
        (dict(learning_rate=float("nan")), "`learning_rate` must be a positive number"),
        (dict(warmup_epochs=-1), "`warmup_epochs` must be a number, at least 0"),
        (dict(weight_decay=-1), "`weight_decay` must be a number, at least 0"),
        (dict(weight_decay="much"), "`weight_decay` must be a number"),
        (dict(batch_size=0), "`batch_size` must be a positive integer.*batch_size=0"),
        (dict(batch_size=13), "`batch_size` must be at most.*13.*12 samples"),
        (dict(steps_per_epoch=0), "`steps_per_epoch` must be a positive integer"),
        (dict(seed=-1), "`seed` must be an integer"),
        (dict(crop_scale=(0.5, 2)), "`.*scale` must be a pair"),
        (dict(patch_size=3), "`image_shape` must be divisible by `patch_size`"),
        (dict(mask_ratio=1), r"`mask_ratio` must be in \(0, 1\)"),
        (dict(image_shape=(8, 8, 3)), r"`ds` must have shape .*8, 8, 3.*channels is 1"),
        (dict(preset="mae_huge"), "`preset` must be .*mae_huge"),
    ],
)
def test_bad_arguments(no_training, images, arguments, pattern):
    with pytest.raises(ValueError, match=pattern):
        pretrain(images, **arguments)


def test_images_scaled_to_one_warn(no_training, images):
    with pytest.warns(
        UserWarning, match=r"`ds` is a float batch.*value_range=\(0, 1\)"
    ):
        with pytest.raises(NoTraining):
            pretrain(images / np.float32(255))


def test_a_loss_that_explodes_stops_and_keeps_the_last_checkpoint(images, tmp_path):
    arguments = dict(epochs=5, learning_rate=1e25, warmup_epochs=0, checkpoint=tmp_path)
    with pytest.raises(FloatingPointError, match="The loss became (nan|inf)") as error:
        pretrain(images, **arguments)
    assert "of epoch 1; try a lower `learning_rate`" in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["training_state.npz"]
    with np.load(tmp_path / "training_state.npz") as state:
        header = json.loads(str(state["header"]))
    assert header["epochs_done"] == 1
    assert np.isfinite(header["logs"]["loss"]).all()


# --- the card ------------------------------------------------------------------------


def test_model_card(tmp_path):
    from keras_mra.pretrain import model_card

    mae = keras_mra.MAE((8, 8, 1), 4, **SMALL)
    losses = [1 / (1 + i) for i in range(50)]
    mae.history = types.SimpleNamespace(history={"loss": losses})
    timer = model_card.Timer()
    model_card.write(tmp_path, mae, "digits", "keras-mra pretrain digits", 600)
    assert 0 <= timer.seconds() < 10
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    for part in ("keras-mra pretrain digits", "10 minutes", f"{mae.count_params():,}"):
        assert part in card
    assert f"| 1 | {losses[0]:.4f} |" in card and f"| 50 | {losses[49]:.4f} |" in card
    assert keras.__version__ in model_card.machine()
    assert keras.backend.backend() in model_card.machine()
