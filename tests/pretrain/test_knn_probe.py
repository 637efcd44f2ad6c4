"""The nearest-neighbour probe during pretraining, of both methods."""

import dataclasses

import keras
import numpy as np
import pytest
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import pretrain

import keras_mra
from keras_mra import datasets
from keras_mra import evaluation

pytestmark = pytest.mark.usefixtures("quick_compilation")
IMAGES, LABELS = np.zeros((4, 8, 8, 1), "uint8"), np.array([0, 1, 0, 1])


@pytest.fixture
def labelled(images):
    """The images as they are, of class 0, and darker, of class 1."""
    return np.concatenate([images, images // 4]), np.repeat([0, 1], 12)


def pretrain_msa(ds, **arguments):
    defaults = dict(preset="mae_nano", patch_size=2, epochs=1, verbose=0, seed=3)
    small = dict(hidden_dim=8, projection_dim=4, **SMALL)
    return keras_mra.pretrain_msa(ds, **{**defaults, **small, **arguments})


def last_accuracy(mae, train, test, pool="cls+mean"):
    return evaluation.knn(mae, train, test, k=20, pool=pool).accuracy[20]


def test_a_probe_watches_the_student(images, labelled):
    msa = pretrain_msa(
        images, epochs=5, batch_size=6, probe=(labelled, labelled), probe_every=2
    )
    # After the second, the fourth and the last epoch.
    found = msa.history.history["knn_accuracy"]
    assert len(found) == 3 and all(0.8 < f <= 1 for f in found)
    assert found[-1] == last_accuracy(msa.mae, labelled, labelled)


def test_a_probe_watches_the_mae(images, labelled):
    mae = pretrain(
        images, epochs=5, batch_size=6, probe=(labelled, labelled), probe_every=2
    )
    found = mae.history.history["knn_accuracy"]
    assert len(found) == 3 and all(0.8 < f <= 1 for f in found)
    assert found[-1] == last_accuracy(mae, labelled, labelled)


def test_a_probe_changes_neither_the_weights_nor_the_checkpoint(
    images, labelled, tmp_path
):
    arguments = dict(epochs=2, batch_size=6, checkpoint=tmp_path)
    probed = pretrain(images, probe=(labelled, labelled), **arguments)
    assert len(probed.history.history["knn_accuracy"]) == 2
    whole = pretrain(images, epochs=2, batch_size=6)
    for a, b in zip(probed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # The finished run is found, although this call has no probe.
    again = pretrain(images, **arguments)
    assert again.history.history == probed.history.history


@pytest.mark.once
def test_callbacks_see_the_accuracy(images, labelled):
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(logs["knn_accuracy"])
    )
    mae = pretrain(images, probe=(labelled, labelled), callbacks=[callback])
    assert seen == mae.history.history["knn_accuracy"]


@pytest.mark.once
def test_a_probe_by_name_is_read_at_the_size_of_the_images(monkeypatch):
    pytest.importorskip("sklearn")
    loaded, asked = datasets.load, []

    def load(name, **arguments):
        asked.append((name, arguments.get("image_shape")))
        data = loaded(name, **arguments)
        train, test = (
            tuple(part[:64] for part in split) for split in (data.train, data.test)
        )
        return dataclasses.replace(data, train=train, test=test)

    monkeypatch.setattr(datasets, "load", load)
    mae = pretrain("digits", image_shape=(12, 12, 1), probe="digits")
    assert asked == [("digits", (12, 12, 1)), ("digits", (12, 12, 1))]
    data = load("digits", image_shape=(12, 12, 1))
    expected = last_accuracy(mae, data.train, data.test)
    assert mae.history.history["knn_accuracy"] == [expected]


@pytest.fixture
def folder_without_test(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        image.fromarray(IMAGES[0, :, :, 0]).save(tmp_path / name / "0.png")
    return f"folder:{tmp_path}"


@pytest.mark.once
def test_a_probe_needs_a_test_split(images, folder_without_test):
    with pytest.raises(ValueError, match="`probe` must name data .*test split"):
        pretrain(images, probe=folder_without_test)


@pytest.mark.once
@pytest.mark.parametrize("train", [pretrain, pretrain_msa])
@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(probe=1), "`probe` must be a pair.*train and test.*int"),
        (dict(probe=(1, 2)), "`probe` must be a pair, \\(images, labels\\).*int"),
        (dict(probe="cifar"), "name of a data set.*cifar"),
        (dict(probe=((IMAGES, [0, 1]), (IMAGES, [0, 0]))), "`probe` must have a label"),
        (dict(probe=((IMAGES, LABELS), (IMAGES, LABELS > 0))), "integer labels"),
        (dict(probe=((IMAGES[:, :4], LABELS),) * 2), "`probe` must .*8"),
        (dict(probe=((IMAGES, LABELS),) * 2, probe_every=0), "`probe_every` must be"),
    ],
)
def test_bad_probes(images, train, arguments, message):
    with pytest.raises(ValueError, match=message):
        train(images, **arguments)
