"""`pretrain_msa`: the teacher, the pair of views, resuming, and bad input."""

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import Kill
from helpers.small_pretraining import Killed

import keras_mra

EPOCHS = 4


pytestmark = pytest.mark.usefixtures("quick_compilation")


LABELS = np.arange(12) % 3


def pretrain(ds, **arguments):
    defaults = dict(
        preset="mae_nano", patch_size=2, epochs=1, verbose=0, seed=3, hidden_dim=8,
        projection_dim=4, **SMALL,
    )  # fmt: skip
    return keras_mra.pretrain_msa(ds, **{**defaults, **arguments})


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
        pretrain(
            images, **arguments, checkpoint=tmp_path, callbacks=[Kill(2, middle=True)]
        )
    resumed = pretrain(images, **arguments, checkpoint=tmp_path)
    assert resumed.history.history == whole.history.history
    assert resumed.history.epoch == list(range(EPOCHS))
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(
        ValueError, match="other arguments: momentum=0.99 there, 0.5 here"
    ):
        pretrain(images, **arguments, checkpoint=tmp_path, momentum=0.5)
    with pytest.raises(ValueError, match="other arguments: .*method"):
        keras_mra.pretrain_mae(
            images, "mae_nano", patch_size=2, epochs=EPOCHS, checkpoint=tmp_path
        )


@pytest.mark.parametrize(
    "arguments,message",
    [
        (dict(views="strong"), "`views` must be a pair.*'strong'"),
        (dict(views=(3, "auto")), r"`views\[0\]` must be 'auto'.*3"),
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
