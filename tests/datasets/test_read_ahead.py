"""Samples computed ahead by threads: the same samples, in parallel, within bounds."""

import copy
import multiprocessing
import os
import pickle
import threading

import numpy as np
import pytest

from keras_mra import datasets
from keras_mra.datasets.epoch_dataset import AHEAD
from keras_mra.datasets.read_ahead import ReadAhead
from keras_mra.distribution import Share

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(20):
        pixels = rng.integers(0, 256, (*rng.integers(20, 40, 2), 3), dtype="uint8")
        image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


def epochs(dataset, count=2):
    """The bytes of every batch of some epochs."""
    found = []
    for _ in range(count):
        found += [np.asarray(batch).tobytes() for batch in dataset]
        dataset.on_epoch_end()
    return found


def folder(root, workers, **settings):
    return datasets.FolderDataset(root, (8, 8, 3), 4, workers=workers, **settings)


@pytest.mark.parametrize("workers", [2, 5, None])
def test_batches_do_not_depend_on_the_workers(photos, workers):
    alone = epochs(folder(photos, 1, crops_per_image=2))
    assert epochs(folder(photos, workers, crops_per_image=2)) == alone
    assert len(set(alone)) == len(alone) == 20


def test_batches_of_a_subset_and_of_a_share(photos):
    def subset(workers):
        chosen = [3, 3, 7, 1, 0, 19, 12, 5]
        return datasets.Subset(folder(photos, workers), chosen, batch_size=4)

    assert epochs(subset(3)) == epochs(subset(1))

    def share(workers):
        return [Share(folder(photos, workers), 1, 2)[index] for index in (0, 3, 1)]

    np.testing.assert_array_equal(share(3), share(1))


def test_a_resumed_epoch_and_any_order_of_batches(photos):
    whole = epochs(folder(photos, 1))
    dataset = folder(photos, 3)
    dataset[2], dataset[0]  # begins samples of epoch 0, which must not be found again
    dataset.set_epoch(1)
    assert [dataset[index].tobytes() for index in (4, 0, 3, 1, 2)] == [
        whole[5 + index] for index in (4, 0, 3, 1, 2)
    ]


def test_two_samples_are_computed_at_the_same_time():
    both = threading.Barrier(2, timeout=20)
    reader = ReadAhead(lambda sample: both.wait() and 0, workers=2)
    assert reader.take([0, 1]) == [0, 0]  # One thread would wait for ever.


def test_the_next_batches_are_begun_and_no_more(photos):
    begun = []
    dataset = folder(photos, 2, shuffle=False)
    dataset._reader.begin = lambda samples: begun.append([int(s) for s in samples])
    dataset[0]
    ahead = [list(range(4 * i, 4 * i + 4)) for i in range(1 + AHEAD)]
    assert begun == [*ahead, ahead[0]]
    begun.clear()
    dataset[4]  # the last one
    assert begun == [list(range(16, 20))] * 2


def test_no_more_samples_wait_than_those_of_the_next_batches(photos):
    dataset = folder(photos, 2)
    for index in range(len(dataset)):
        dataset[index]
        assert len(dataset._reader._begun) <= 4 * AHEAD
    assert not dataset._reader._begun


def test_one_worker_starts_no_thread(photos):
    before = threading.active_count()
    epochs(folder(photos, 1))
    assert threading.active_count() == before


def test_an_error_of_a_thread_reaches_the_caller():
    def function(sample):
        raise MemoryError(f"sample {sample}")

    with pytest.raises(MemoryError, match="sample 3"):
        ReadAhead(function, 2).take([3])


def test_damaged_files_are_replaced_as_by_one_worker(photos, tmp_path):
    for path in photos.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for name in ("03.png", "04.png", "19.png"):
        (tmp_path / name).write_bytes(b"no image")

    def read(workers):
        dataset = folder(tmp_path, workers)
        with pytest.warns(UserWarning, match="3 of 20 images could not be read"):
            return epochs(dataset)

    assert read(4) == read(1)


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_reads_the_same(photos, again):
    dataset = folder(photos, 2)
    first = dataset[0]
    np.testing.assert_array_equal(again(dataset)[0], first)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system cannot fork.")
def test_a_forked_process_reads_with_threads_of_its_own(photos):
    dataset = folder(photos, 2)
    expected = [batch.copy() for batch in (dataset[0], dataset[1])]  # begins others
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(
        target=lambda: queue.put([dataset[index] for index in (0, 1)])
    )
    child.start()
    found = queue.get(timeout=60)
    child.join()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_bad_workers(photos, workers):
    with pytest.raises(ValueError, match="`workers` must be"):
        folder(photos, workers)
