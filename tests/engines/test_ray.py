"""Folders on a Ray cluster of two nodes: the results of one process, whatever dies."""

import contextlib
import functools
import os
import pathlib
import threading
import time

import numpy as np
import psutil
import pytest
from helpers import ray_work
from helpers.augmenting import augment
from helpers.augmenting import copies_in
from helpers.augmenting import tree
from helpers.augmenting import write
from helpers.commands import run
from helpers.reading import noise
from PIL import Image

import keras_mra
from keras_mra import engines
from keras_mra import evaluation
from keras_mra import files

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.usefixtures("cluster")]


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE.from_preset("mae_nano_photos")


def photographs(folder, count):
    """Files in two classes, one of which is broken."""
    for i in range(count):
        write(folder / f"class {i % 2}" / f"{i:03}.png", noise(40 + i % 7, 60, 3))
    (folder / "class 0" / "broken.png").write_bytes(b"no image")
    frames = [Image.fromarray(noise(16, 16, 3)) for _ in range(2)]
    frames[0].save(folder / "class 1" / "a.gif", save_all=True, append_images=frames)


# --- the engine ----------------------------------------------------------------------


def test_results_come_in_the_order_of_the_chunks():
    assert ray_work.run(ray_work.doubled, range(5)) == [[0, 2], [4, 6], [8]]
    assert ray_work.run(ray_work.doubled, []) == []


def test_workers_have_the_folder_and_the_backend_of_this_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = ray_work.run(ray_work.process, range(12), workers=2)
    assert {place for _, place, _ in found} == {str(tmp_path)}
    assert {backend for _, _, backend in found} == {os.environ["KERAS_BACKEND"]}
    assert os.getpid() not in {worker for worker, _, _ in found}


def test_a_worker_that_dies_is_replaced(tmp_path):
    found = ray_work.run(
        ray_work.dying_at, range(6), item=3, folder=str(tmp_path), times=2
    )
    assert found == [[0, 2], [4, 6], [8, 10]]
    assert len(os.listdir(tmp_path)) == 2  # It died.


def test_files_that_end_every_worker_are_named(tmp_path):
    with pytest.raises(OSError, match="died 4 times at the same files.*'2' to '3'"):
        ray_work.run(
            ray_work.dying_at, range(6), item=3, folder=str(tmp_path), times=99
        )


def test_errors_are_those_of_the_function():
    error = OSError(28, "The disk is full", "a.png")
    with pytest.raises(OSError) as caught:
        ray_work.run(ray_work.failing_at, range(6), item=2, error=error)
    assert str(caught.value) == str(error) and caught.value.errno == 28


def test_a_machine_that_is_taken_away(cluster, tmp_path):
    node = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    make = functools.partial(ray_work._make, ray_work.doubled, {})
    chunks = engines.chunked(range(400), 2)
    results = engines.map_on_ray(make, chunks, workers=3)
    found = [next(results)]
    cluster.remove_node(node, allow_graceful=False)
    found += results
    assert sum(found, []) == [2 * i for i in range(400)]


def test_no_worker_goes_on_after_the_generator(tmp_path):
    make = functools.partial(ray_work._make, ray_work.slowly, {"folder": str(tmp_path)})
    with contextlib.closing(
        engines.map_on_ray(make, engines.chunked(range(300), 1), 2)
    ) as results:
        next(results)
    time.sleep(1)
    done = len(os.listdir(tmp_path))
    time.sleep(2)
    assert 1 <= done == len(os.listdir(tmp_path)) < 300


# --- folders -------------------------------------------------------------------------


class Killer(threading.Thread):
    """Kills one worker as soon as a folder holds some copies."""

    def __init__(self, folder, copies):
        super().__init__(daemon=True)
        self.folder, self.copies, self.killed = folder, copies, None
        self.start()

    def run(self):
        while len(list(self.folder.rglob("*.mra*.png"))) < self.copies:
            time.sleep(0.05)
        for child in psutil.Process().children(recursive=True):
            if "ray::MapWorker" in " ".join(child.cmdline()):
                self.killed = child.pid
                child.kill()
                return


def test_a_folder_with_a_worker_killed_equals_that_of_one_process(mae, tmp_path):
    photographs(tmp_path / "in", 120)
    options = {"copies": 2, "include_originals": True, "batch_size": 4}
    expected = augment(mae, tmp_path, "local", **options)
    killer = Killer(tmp_path / "ray", 20)
    report = augment(mae, tmp_path, "ray", **options, engine="ray", workers=2)
    assert killer.killed
    assert report == expected and report.written == 242 and len(report.failed) == 1
    assert tree(tmp_path / "ray") == tree(tmp_path / "local")

    # What is missing is added, by either engine.
    for name in ("class 0/002.png.mra1.png", "class 1/003.png.mra2.png"):
        (tmp_path / "ray" / name).unlink()
    again = augment(mae, tmp_path, "ray", **options, engine="ray")
    assert (again.written, again.skipped, again.originals) == (2, 240, 0)
    assert tree(tmp_path / "ray") == tree(tmp_path / "local")


def test_relative_folders(mae, tmp_path, monkeypatch):
    photographs(tmp_path / "in", 4)
    monkeypatch.chdir(tmp_path)
    report = keras_mra.augment_folder(
        mae, "in", "out", engine="ray", workers=1, progress=False
    )
    assert report.written == 5
    ((path, _),) = report.failed
    assert path == pathlib.Path("in/class 0/broken.png")


def test_a_target_that_cannot_be_written_stops_the_run(mae, tmp_path, monkeypatch):
    """Its folders vanish from the workers' sight after they were checked here."""
    photographs(tmp_path / "in", 4)
    map_on_ray = engines.map_on_ray

    def elsewhere(make, chunks, workers):
        (tmp_path / "out").rename(tmp_path / "away")
        try:
            yield from map_on_ray(make, chunks, workers)
        finally:
            (tmp_path / "away").rename(tmp_path / "out")

    monkeypatch.setattr(engines, "map_on_ray", elsewhere)
    with pytest.raises(OSError, match="`target` must be a folder that all machines"):
        augment(mae, tmp_path, engine="ray", workers=1)
    assert copies_in(tmp_path / "out") == {}
    assert files.LOCK not in os.listdir(tmp_path / "out")


def test_features_equal_those_of_one_process(mae, tmp_path):
    photographs(tmp_path / "in", 30)
    found = {}
    for engine in ("local", "ray"):
        out = tmp_path / f"{engine}.parquet"
        report = evaluation.embed_folder(
            mae, tmp_path / "in", out, batch_size=8, engine=engine, progress=False
        )
        found[engine] = report, out.read_bytes()
    assert found["ray"] == found["local"]
    assert report.written == 31 and len(report.failed) == 1


def test_commands(tmp_path):
    photographs(tmp_path / "in", 4)
    words = [str(tmp_path / "in"), str(tmp_path / "out")]
    result = run(["augment", *words, "--engine", "ray", "--workers", "1"])
    assert result.exit_code == 2 and "5 written" in result.output
    result = run(["embed", words[0], str(tmp_path / "a.parquet"), "--engine", "ray"])
    assert result.exit_code == 2 and "5 images in" in result.output
    features, labels = evaluation.read_features(tmp_path / "a.parquet")
    np.testing.assert_array_equal(labels, [0, 0, 1, 1, 1])


def test_workers_hold_the_gpus_where_there_are_some(cluster):
    """The last test: it adds a node that says that it has two."""
    cluster.add_node(num_cpus=2, num_gpus=2, object_store_memory=80 * 2**20)
    found = ray_work.run(ray_work.gpus, range(40), workers=None)
    assert {len(each) for each in found} == {1}
