"""Order, resumption, subsets and labels of data sets in memory."""

import numpy as np
import pytest
from helpers.reading import all_batches
from helpers.reading import save

from keras_mra import datasets

pytestmark = pytest.mark.once


def test_array_dataset_gives_each_sample_once_in_a_new_order():
    data = datasets.ArrayDataset(np.arange(10), np.arange(10) * 2, batch_size=5)
    first, second = all_batches(data), all_batches(data)
    orders = [np.concatenate([x for x, _ in batches]) for batches in (first, second)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert (orders[0] != orders[1]).any()
    assert all((y == 2 * x).all() for x, y in first)


def test_set_epoch_repeats_an_uninterrupted_run():
    make = lambda: datasets.ArrayDataset(np.arange(12), batch_size=4, seed=3)  # noqa: E731
    run = make()
    epochs = [all_batches(run) for _ in range(3)]
    resumed = make()
    resumed.set_epoch(2)
    np.testing.assert_array_equal(all_batches(resumed), epochs[2])


def test_a_limited_epoch_ends_early_and_the_next_has_a_new_order():
    whole, limited = (
        datasets.ArrayDataset(np.arange(12), batch_size=3, seed=1) for _ in range(2)
    )
    limited.limit(2)
    assert len(limited) == 2
    for _ in range(2):
        np.testing.assert_array_equal(list(limited), list(whole)[:2])
        for dataset in (whole, limited):
            dataset.on_epoch_end()
    with pytest.raises(ValueError, match="from 1 to 4.*batches=5"):
        whole.limit(5)


def test_last_partial_batch():
    assert len(datasets.ArrayDataset(np.arange(10), batch_size=4)) == 2
    kept = datasets.ArrayDataset(
        np.arange(10), batch_size=4, drop_last=False, shuffle=False
    )
    assert [list(batch) for batch in kept][-1] == [8, 9]


@pytest.mark.parametrize("classes", [[2, 0], [3, 1, 2]])
def test_relabelled_keeps_classes_and_counts_them_anew(classes):
    labels = np.arange(40) % 4
    whole = datasets.ArrayDataset(np.arange(40), labels, batch_size=8)
    some = datasets.Relabelled(whole, classes, batch_size=3, drop_last=False)
    images, places = map(np.concatenate, zip(*some))
    assert sorted(images) == [i for i in range(40) if labels[i] in classes]
    np.testing.assert_array_equal(np.take(classes, places), labels[images])
    np.testing.assert_array_equal(
        np.take(classes, some.all_labels()), labels[some.indices]
    )


def test_relabelled_refuses_what_takes_the_place_of_a_broken_file(tmp_path):
    for name in ("a/0.png", "b/0.png"):
        save(tmp_path / name)
    (tmp_path / "a" / "1.png").write_bytes(b"no image")
    folder = datasets.FolderDataset(tmp_path, (8, 8, 1), 1, labels=True)
    first = datasets.Relabelled(folder, [0], shuffle=False)
    np.testing.assert_array_equal(first.all_labels(), [0, 0])
    assert first.batch(np.array([0]))[1] == 0
    with pytest.raises(ValueError, match=r"`classes`, \[0\].*images of \[1\]"):
        first.batch(np.array([1]))


def test_array_dataset_refuses_bad_arguments():
    with pytest.raises(ValueError, match="batch_size=32.* 10 samples"):
        datasets.ArrayDataset(np.arange(10))
    with pytest.raises(ValueError, match="3 labels, 10 images"):
        datasets.ArrayDataset(np.arange(10), np.arange(3), batch_size=2)
    with pytest.raises(ValueError, match="0 samples"):
        datasets.ArrayDataset(np.zeros((0, 8, 8, 1)))
    with pytest.raises(ValueError, match="seed=-1"):
        datasets.ArrayDataset(np.arange(10), batch_size=2, seed=-1)


@pytest.mark.parametrize(
    "images",
    [
        np.array([None, {}], object), np.array(["a", "b"]), np.zeros(2, "M8[s]"),
        np.float32(3), [[1], [1, 2]], "ab", None,
    ],
)  # fmt: skip
def test_what_is_no_array_of_numbers(images):
    with pytest.raises(ValueError, match="`images` must be an array"):
        datasets.ArrayDataset(images, batch_size=1)
    if images is not None:
        with pytest.raises(ValueError, match="`labels` must be an array"):
            datasets.ArrayDataset(np.zeros(2), images, batch_size=1)


@pytest.mark.parametrize("other", [None, "x", np.zeros(2), {}, [1], print])
def test_what_is_no_data_set(other):
    for call in (
        lambda: datasets.Subset(other, [0]),
        lambda: datasets.Relabelled(other, [0]),
        lambda: datasets.in_memory(other),
        lambda: datasets.bytes_in_memory(other),
    ):
        with pytest.raises(
            ValueError, match="`dataset` must be a keras_mra.datasets.E"
        ):
            call()
    with pytest.raises(ValueError, match="`dataset` must have a method `set_epoch`"):
        datasets.SetEpoch(other)


def test_more_bad_arguments():
    data = datasets.ArrayDataset(np.arange(4), np.arange(4), batch_size=1)
    for indices in (0, [[0]], [0.5], "x", [4], [[0], [1, 2]], None):
        with pytest.raises(ValueError, match="`indices` must be "):
            datasets.Subset(data, indices)
    for classes in (0, [[0]], [0.5], "x", [1, 1], [[0], [1, 2]], None):
        with pytest.raises(ValueError, match="`classes` must be "):
            datasets.Relabelled(data, classes)
    for batches in (0, 5, [], "x", 1.0, True):
        with pytest.raises(
            ValueError, match="`batches` must be an integer from 1 to 4"
        ):
            data.limit(batches)
    for index in (4, "x", None, 0.0, slice(2)):
        with pytest.raises(
            IndexError, match="The index of a batch must be from 0 to 3"
        ):
            data[index]
    for limit in (-1, "x", None):
        with pytest.raises(ValueError, match="`limit` must be an integer, at least 0"):
            datasets.in_memory(data, limit=limit)
