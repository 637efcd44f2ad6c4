"""Batches of labelled and unlabelled images."""

import numpy as np
import pytest
from study.paired_batches import PairedBatches

from keras_mra.datasets import ArrayDataset
from keras_mra.datasets import FolderDataset

pytestmark = pytest.mark.once

SHAPE = (8, 8, 1)
LABELLED = np.arange(10)[:, None], np.arange(10)
UNLABELLED = np.arange(100, 150)[:, None]


def epoch_of(batches, epoch):
    batches.set_epoch(epoch)
    found = [batches[i] for i in range(len(batches))]
    return (
        np.concatenate([y for _, y in found]),
        np.concatenate([x["unlabelled"][:, 0] for x, _ in found]),
    )


def test_labelled_images_are_cycled_beside_the_unlabelled():
    batches = PairedBatches(LABELLED, UNLABELLED, batch_size=4, mu=3, seed=1)
    assert len(batches) == 4
    inputs, labels = batches[1]
    assert inputs["labelled"].shape == (4, 1) and inputs["unlabelled"].shape == (12, 1)
    np.testing.assert_array_equal(inputs["labelled"][:, 0], labels)
    labelled, unlabelled = epoch_of(batches, 0)
    # 16 labels from 10 images: each pass holds all, in another order.
    assert sorted(labelled[:10]) == list(range(10))
    assert len(set(labelled[10:])) == 6 and (labelled[:6] != labelled[10:]).any()
    assert len(set(unlabelled)) == 48 and set(unlabelled) <= set(UNLABELLED[:, 0])


def test_more_labels_in_a_batch_than_there_are():
    batches = PairedBatches(LABELLED, UNLABELLED, batch_size=25, mu=1)
    for index in range(2):
        counts = np.bincount(batches[index][1], minlength=10)
        assert counts.sum() == 25 and set(counts) == {2, 3}


def test_seed_and_epoch_decide_the_batches():
    first = PairedBatches(LABELLED, UNLABELLED, batch_size=4, mu=3, seed=1)
    same = PairedBatches(LABELLED, UNLABELLED, batch_size=4, mu=3, seed=1)
    other = PairedBatches(LABELLED, UNLABELLED, batch_size=4, mu=3, seed=2)
    later = epoch_of(first, 3)
    for a, b in zip(later, epoch_of(same, 3)):
        np.testing.assert_array_equal(a, b)
    for a, b, c in zip(later, epoch_of(first, 2), epoch_of(other, 3)):
        assert (a != b).any() and (a != c).any()


def test_epochs_advance_in_loops_and_unreadable_files_are_counted(tmp_path, rng):
    from PIL import Image

    for folder in "ab":
        (tmp_path / folder).mkdir()
        for i in range(4):
            pixels = rng.integers(0, 256, (8, 8), dtype="uint8")
            Image.fromarray(pixels).save(tmp_path / folder / f"{i}.png")
    (tmp_path / "a" / "broken.png").write_text("no image")
    folder = FolderDataset(tmp_path, SHAPE, 4, labels=True)
    batches = PairedBatches(folder, FolderDataset(tmp_path, SHAPE, 4), 2, mu=2)
    with pytest.warns(UserWarning, match="1 of 9 images could not be read"):
        first = list(batches)
        batches.on_epoch_end()
    assert len(first) == 2 and first[0][0]["labelled"].shape == (2, *SHAPE)
    assert batches.epoch == batches.labelled.epoch == batches.unlabelled.epoch == 1


def test_data_sets_are_paired_like_arrays():
    arrays = PairedBatches(LABELLED, UNLABELLED, batch_size=4, mu=3)
    streams = PairedBatches(
        ArrayDataset(*LABELLED, batch_size=2),
        ArrayDataset(UNLABELLED, np.zeros(50, int), batch_size=2),
        batch_size=4,
        mu=3,
    )
    for a, b in zip(epoch_of(arrays, 1), epoch_of(streams, 1)):
        np.testing.assert_array_equal(a, b)
    assert streams.unlabelled.epoch == streams.labelled.epoch == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(mu=0), "`mu` must be a positive"),
        (dict(batch_size=0), "`batch_size` must be a positive"),
        (dict(batch_size=20), "`unlabelled`.*3 x 20. Received: 50 images"),
        (
            dict(labelled=LABELLED[0]),
            "`labelled` must be a pair.*without labels",
        ),
        (
            dict(unlabelled=np.zeros((50, 2))),
            r"same shape. Received: \(1,\) and \(2,\)",
        ),
    ],
)
def test_bad_pairs_are_named(arguments, message):
    good = dict(labelled=LABELLED, unlabelled=UNLABELLED, batch_size=4, mu=3)
    with pytest.raises(ValueError, match=message):
        PairedBatches(**{**good, **arguments})
