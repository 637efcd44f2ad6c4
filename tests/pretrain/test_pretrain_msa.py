"""`pretrain_msa`: what it adds to the machinery that `pretrain_mae` tests."""

import keras
import numpy as np
import pytest
from helpers.models import TINY

import keras_mra

EPOCHS = 4


pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype="uint8")


LABELS = np.arange(12) % 3


def pretrain(ds, **arguments):
    defaults = dict(
        preset="mae_nano", patch_size=2, epochs=1, verbose=0, seed=3, hidden_dim=8,
        projection_dim=4, **{**TINY, "encoder_depth": 1},
    )  # fmt: skip
    return keras_mra.pretrain_msa(ds, **{**defaults, **arguments})


class Killed(Exception):
    pass


class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 2:
            raise Killed


def test_the_data_alone_are_enough(images):
    msa = keras_mra.pretrain_msa(
        images, epochs=1, batch_size=6, verbose=0, **TINY, views=(None, None)
    )
    assert isinstance(msa, keras_mra.MSA)
    assert msa.mae.image_shape == (8, 8, 1)
    assert msa.momentum_steps == 2
    assert set(msa.history.history) >= {"pixel_loss", "contrast_loss"}


def test_streams_with_and_without_labels(images):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            batch = images[4 * index : 4 * index + 4]
            return batch, LABELS[:4]

    for ds in (Batches(), "digits"):
        steps = {"steps_per_epoch": 2, "batch_size": 8} if ds == "digits" else {}
        msa = pretrain(ds, **steps)
        assert np.isfinite(msa.history.history["loss"]).all()


def test_a_killed_run_resumes_as_if_it_had_not_been(images, tmp_path):
    arguments = dict(epochs=EPOCHS, batch_size=4, learning_rate=0.05)
    whole = pretrain(images, **arguments)
    with pytest.raises(Killed):
        pretrain(images, **arguments, checkpoint=tmp_path, callbacks=[Kill()])
    resumed = pretrain(images, **arguments, checkpoint=tmp_path)
    assert resumed.history.history == whole.history.history
    assert resumed.history.epoch == list(range(EPOCHS))
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="another run: .*msa"):
        pretrain(images, **arguments, checkpoint=tmp_path, momentum=0.5)
    with pytest.raises(ValueError, match="belongs to another run: .*method"):
        keras_mra.pretrain_mae(
            images, "mae_nano", patch_size=2, epochs=EPOCHS, checkpoint=tmp_path
        )


def test_a_probe_watches_the_student(images):
    dark = images // 4
    labelled = np.concatenate([images, dark]), np.repeat([0, 1], 12)
    msa = pretrain(
        images, epochs=5, batch_size=6, probe=(labelled, labelled), probe_every=2
    )
    # After the second, the fourth and the last epoch, and nothing else.
    found = msa.history.history["knn_accuracy"]
    assert len(found) == 3 and all(0.8 < f <= 1 for f in found)
    from keras_mra import evaluation

    assert found[-1] == evaluation.knn(msa.mae, labelled, labelled, k=20).accuracy[20]


IMAGES, LABELS = np.zeros((4, 8, 8, 1), "uint8"), np.array([0, 1, 0, 1])


class Half(keras.layers.Layer):
    def call(self, x):
        return x[:, ::2]


class Bright(keras.layers.Layer):
    def call(self, x):
        return 2.0 * keras.ops.cast(x, "float32")


@pytest.mark.parametrize(
    "arguments,message",
    [
        (dict(views="strong"), "`views` must be a pair.*'strong'"),
        (dict(views=("auto", 3)), "`strong` must be 'auto'.*3"),
        (dict(views=(Half(), None)), r"student's view.*shape.*\(8, 4, 8, 1\)"),
        (dict(views=(None, Bright())), "teacher's view"),
        (dict(probe=1), "`probe` must be a pair.*train and test.*int"),
        (dict(probe=(1, 2)), "`probe` must be a pair, \\(images, labels\\).*int"),
        (dict(probe=((IMAGES, [0, 1]), (IMAGES, [0, 0]))), "`probe` must have a label"),
        (dict(probe=((IMAGES, LABELS), (IMAGES, LABELS > 0))), "integer labels"),
        (dict(probe=((IMAGES[:, :4], LABELS),) * 2), "`probe` must .*8"),
        (dict(probe=((IMAGES, LABELS),) * 2, probe_every=0), "`probe_every` must be"),
        (dict(batch_size=13), "`batch_size` must be at most.*13"),
        (dict(distribution="two"), "`distribution` must be .*'two'"),
    ],
)
def test_bad_input(images, arguments, message):
    with pytest.raises(ValueError, match=message):
        pretrain(images, **arguments)


@pytest.mark.graph
def test_a_bad_loss_stops_and_leaves_the_checkpoint(images, tmp_path):
    class Poison(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                weight = self.model.projector.weights[0]
                weight.assign(weight * np.nan)

    message = r"by step 6, at a learning rate of \S+\. .*good.*npz', of epoch 1"
    with pytest.raises(FloatingPointError, match=message):
        pretrain(
            images, epochs=3, batch_size=4, checkpoint=tmp_path, callbacks=[Poison()]
        )
    resumed = pretrain(images, epochs=3, batch_size=4, checkpoint=tmp_path)
    assert np.isfinite(resumed.history.history["loss"]).all()
