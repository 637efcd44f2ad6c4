"""The input that pretraining refuses before it starts, and the losses that stop it."""

import json

import keras
import numpy as np
import pytest
from helpers.small_pretraining import LABELS
from helpers.small_pretraining import STREAMS
from helpers.small_pretraining import Batches
from helpers.small_pretraining import NoTraining
from helpers.small_pretraining import Steps
from helpers.small_pretraining import grain_iter
from helpers.small_pretraining import grain_map
from helpers.small_pretraining import pretrain
from helpers.small_pretraining import tf_data
from helpers.small_pretraining import torch_loader

from keras_mra.pretrain.data_request import DataRequest
from keras_mra.pretrain.training_data import training_data

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture
def no_training(monkeypatch):
    """Fails a test whose error comes after training has started."""

    def refuse(*_, **__):
        raise NoTraining

    monkeypatch.setattr(keras.Model, "fit", refuse)


@pytest.mark.once
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
        (np.array(3.0), r"`ds` must be an array of images.*an array of shape \(\)"),
        (None, "`ds` must be an array of images.*NoneType"),
        ({"images": np.zeros((4, 8, 8, 1))}, "`ds` must be an array of images.*dict"),
        ((x for x in [1]), "`ds` must be an array of images.*generator"),
        (
            "cifar",
            "fashion_mnist, digits, cifar10, cifar100, folder:PATH, tfds:NAME.*'cifar'",
        ),
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


@pytest.mark.once
@pytest.mark.parametrize("stream", [tf_data, grain_map, grain_iter, torch_loader])
def test_batches_of_another_rank(no_training, stream):
    flat = np.zeros((12, 8, 8), "uint8")
    with pytest.raises(ValueError, match=r"rank 4.*\(4, 8, 8\)"):
        pretrain(stream(flat, LABELS))


@pytest.mark.once
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


@pytest.mark.once
def test_batches_that_are_no_images(no_training, images):
    ds = tf_data({"images": images}, LABELS)
    with pytest.raises(
        ValueError, match="must be images or pairs of images and labels"
    ):
        pretrain(ds)


@pytest.mark.once
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
        training_data(DataRequest(endless(images)))
    request = DataRequest(endless(images), steps_per_epoch=5)
    assert training_data(request).steps_per_epoch == 5


def test_steps_per_epoch_of_an_endless_stream(images):
    steps = Steps()
    mae = pretrain(
        tf_data(images).repeat(), steps_per_epoch=5, epochs=2, callbacks=[steps]
    )
    assert steps.count == 10
    assert len(mae.history.history["loss"]) == 2


@pytest.mark.once
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
        (dict(weight_decay=None), "`weight_decay` must be a number"),
        (dict(crops_per_image=0), "`crops_per_image` must be a positive integer"),
        (dict(cache_side=0), "`cache_side` must be a positive integer"),
        (dict(crops_per_image=2), "`crops_per_image` must be 1 for arrays.*=2 and ds"),
        (dict(image_library="opencv"), "`image_library` must be None for arrays"),
        (dict(steps_per_execution=0), "`steps_per_execution` must be a positive"),
        (dict(cache_side=64), "`cache_side` must be None for arrays.*`folder:` data"),
        (dict(held_out=3), "`held_out` must be 0 for arrays and streams.*held_out=3"),
        (dict(crop_scale=0), "`crop_scale` must be a pair.*crop_scale=0"),
        (dict(probe_every=1.5), "`probe_every` must be a positive integer.*=1.5"),
        (dict(norm_pix_loss="no"), "`norm_pix_loss` must be True or False.*='no'"),
        (dict(checkpoint=""), "`checkpoint` must be the path of a folder.*=''"),
        (dict(tensorboard="/dev/null/x"), "`tensorboard` must be .*null' is a file"),
        (dict(verbose=True), "`verbose` must be one of .*=True"),
        (dict(dtype="float31"), "`dtype` must be a float dtype.*'float31'"),
        (dict(image_shape=(8, 8)), "`image_shape` must be"),
        (dict(distribution="two"), "`distribution` must be .*'two'"),
        (dict(batch_size=0), "`batch_size` must be a positive integer.*batch_size=0"),
        (dict(batch_size=13), "`batch_size` must be at most.*13.*12 samples"),
        (dict(steps_per_epoch=0), "`steps_per_epoch` must be a positive integer"),
        (dict(seed=-1), "`seed` must be an integer"),
        (dict(crop_scale=(0.5, 2)), "`.*scale` must be a pair"),
        (dict(patch_size=3), "`image_shape` must be divisible by `patch_size`"),
        (dict(mask_ratio=1), r"`mask_ratio` must be in \(0, 1\)"),
        (dict(image_shape=(8, 8, 3)), r"`ds` must have shape .*8, 8, 3.*channels is 1"),
        (dict(preset="mae_huge"), "`preset` must be .*mae_huge"),
        (dict(checkpoint=3), "`checkpoint` must be the path of a folder.*=3"),
        (dict(tensorboard=3), "`tensorboard` must be the path of a folder.*=3"),
        (dict(verbose="loud"), "`verbose` must be one of .*'loud'"),
        (dict(verbose=[1]), r"`verbose` must be one of .*\[1\]"),
        (
            dict(callbacks=keras.callbacks.History()),
            "`callbacks` must be a list of Keras callbacks.*of type History",
        ),
        (dict(callbacks=["x"]), "`callbacks` must be .*a list with 'x'"),
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


class PoisonLastStep(keras.callbacks.Callback):
    """Makes the loss of a step NaN."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_begin(self, batch, logs=None):
        if batch + 1 == self.step:
            weight = self.model.mae.decoder.weights[-1]
            weight.assign(weight * np.nan)


@pytest.mark.graph
@pytest.mark.parametrize(
    # A float16 policy skips the update of the bad step, and does not count it.
    "dtype, found",
    [("float32", "step 3, at a .* 0.125"), ("mixed_float16", "step 2, at a .* 0.25")],
)
def test_a_bad_loss_names_the_rate_of_its_step(images, dtype, found):
    # The peak is 0.25 for batches of 4; the third and last step is at a half of it.
    message = rf"The loss became nan by {found}\. "
    with pytest.raises(FloatingPointError, match=message):
        pretrain(
            images, batch_size=4, learning_rate=16.0, warmup_epochs=1 / 3, dtype=dtype,
            callbacks=[PoisonLastStep(3)],
        )  # fmt: skip


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
