"""Kills at every write and at random moments lose nothing, by one process or by two."""

import itertools
import os
import shutil
import time

import numpy as np
import pytest
from helpers import forked
from helpers.augmenting import augment
from helpers.augmenting import copies_in
from helpers.augmenting import tree
from helpers.augmenting import write
from helpers.killed import killed_after
from helpers.killed import killed_at
from helpers.models import TINY
from helpers.models import randomize
from helpers.models import same_weights
from helpers.reading import noise
from helpers.saved_epochs import restored
from helpers.saved_epochs import save_epoch

import keras_mra
from keras_mra import files
from keras_mra.augment.settings import RECORD
from keras_mra.pretrain.held_outputs import held_outputs

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*continues from the state before it"),
]

# Kills at random moments, of each kind. About 120 more are aimed at every write.
RANDOM_KILLS = 15
WRITERS = 2


@pytest.fixture
def moments():
    """A function to the next random time, up to one in seconds."""
    rng = np.random.default_rng(0)
    return lambda longest: rng.uniform(0, longest)


def duration(function, *args):
    started = time.monotonic()
    assert forked.status(forked.start(function, *args)) == 0
    return time.monotonic() - started


def kill_writers(function, moments, longest, check):
    """Starts writers, kills one after the other, and starts another in its place."""
    writers = [forked.start(function) for _ in range(WRITERS)]
    for number in range(RANDOM_KILLS):
        time.sleep(moments(longest))
        victim = writers[number % WRITERS]
        os.kill(victim, 9)
        assert forked.status(victim) == -9
        check()
        writers[number % WRITERS] = forked.start(function)
    for writer in writers:
        os.kill(writer, 9)
        assert forked.status(writer) == -9


# --- checkpoints ---------------------------------------------------------------------


def save_epochs(folder, report):
    """Saves one epoch after the other, and notes which are saved."""
    while True:
        try:
            with held_outputs(folder, None):
                epoch = restored(folder) + 1
                save_epoch(folder, epoch)
                with open(report, "a") as file:
                    file.write(f"{epoch}\n")
        except OSError as error:
            assert "no other process" in str(error)  # The other holds the folder.
            time.sleep(0.01)


def test_checkpoints_at_random(tmp_path, moments):
    folder, report = tmp_path / "run", tmp_path / "saved"
    folder.mkdir()
    report.touch()
    longest = 5 * duration(save_epoch, tmp_path, 1)
    done = reported = 0
    for _ in range(2 * RANDOM_KILLS):
        assert killed_after(moments(longest), save_epochs, folder, report)
        saved = report.read_text().split()
        # The last may have been saved, but not reported any more.
        now = restored(folder)
        assert now - done - (len(saved) - reported) in (0, 1)
        done, reported = now, len(saved)
    assert reported > RANDOM_KILLS


def test_checkpoints_of_two_writers(tmp_path, moments):
    folder, report = tmp_path / "run", tmp_path / "saved"
    folder.mkdir()
    report.touch()
    longest = 5 * duration(save_epoch, tmp_path, 1)

    def nothing_is_lost():
        saved = [int(epoch) for epoch in report.read_text().split()]
        assert saved == sorted(saved)
        assert restored(folder) >= max(saved, default=0)

    kill_writers(lambda: save_epochs(folder, report), moments, longest, nothing_is_lost)
    nothing_is_lost()
    with held_outputs(folder, None):
        pass
    assert not [name for name in os.listdir(folder) if name.startswith(".mra")]


# --- presets -------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path):
    """Two MAEs of the same sizes, and a folder of each one's preset."""
    pairs = []
    for name, high in (("first", 1), ("second", 255)):
        mae = randomize(
            keras_mra.MAE((8, 12, 3), (4, 3), value_range=(0, high), **TINY)
        )
        mae.save_to_preset(tmp_path / name)
        pairs.append(mae)
    return pairs


def what_loads(folder, pair):
    """Which of two MAEs a folder holds, `None` where it is refused in our words."""
    try:
        loaded = keras_mra.MAE.from_preset(folder)
    except ValueError:
        return None
    (found,) = [mae for mae in pair if mae.value_range == loaded.value_range]
    assert same_weights(loaded, found)
    return found


def test_presets_at_every_write(tmp_path, pair):
    first, second = pair
    seen = []
    for number in itertools.count():
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "first", folder)
        was_killed = killed_at(number, second.save_to_preset, folder)
        seen.append(what_loads(folder, pair))
        if not was_killed:
            break
    assert list(dict.fromkeys(seen)) == [first, None, second] and len(seen) > 20


def test_presets_of_two_writers(tmp_path, pair, moments):
    folder = tmp_path / "preset"
    longest = 2 * duration(pair[0].save_to_preset, folder)

    def save_by_turns():
        for mae in itertools.cycle(pair):
            mae.save_to_preset(folder)

    seen = set()

    def one_model_or_none():
        seen.add(what_loads(folder, pair))

    kill_writers(save_by_turns, moments, longest, one_model_or_none)
    assert set(pair) & seen
    pair[0].save_to_preset(folder)
    assert what_loads(folder, pair) is pair[0]
    assert not [name for name in os.listdir(folder) if name.startswith(".mra")]


# --- copies of a folder --------------------------------------------------------------


@pytest.fixture
def augmented(tmp_path):
    """A function that augments a folder of pictures, and the whole result."""
    mae = keras_mra.MAE((16, 16, 3), 4, **TINY)
    for name in ("a.png", "x/b.png", "x/c.png", "x/y/d.png"):
        write(tmp_path / "in" / name, noise(16, 16, 3))
    (tmp_path / "beside").mkdir()

    def run():
        return augment(mae, tmp_path, copies=2, include_originals=True)

    run.mae = mae
    run()
    whole = copies_in(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    assert len(whole) == 12
    return run, whole


def assert_part_of(tmp_path, whole):
    """All files are whole, and there is none but those of an uninterrupted run."""
    (tmp_path / "out").mkdir(exist_ok=True)
    left = tree(tmp_path / "out")
    left.pop("augment_settings.json", None)
    names = [name for name in left if "/.mra" not in f"/{name}"]
    assert all(left[name] == whole[name] for name in names)
    assert set(os.listdir(tmp_path)) == {"in", "out", "beside"}


def test_copies_at_every_write(tmp_path, augmented):
    run, whole = augmented
    for number in itertools.count():
        was_killed = killed_at(number, run)
        assert_part_of(tmp_path, whole)
        if not was_killed:
            break
        if number % 3 == 0:  # Some runs go on from the last kill, others begin.
            run()
            assert copies_in(tmp_path / "out") == whole
            shutil.rmtree(tmp_path / "out")
    assert number > 15


def test_copies_at_random(tmp_path, augmented, moments):
    run, whole = augmented
    longest = duration(run)
    shutil.rmtree(tmp_path / "out")
    for _ in range(RANDOM_KILLS):
        killed_after(moments(longest), run)
        assert_part_of(tmp_path, whole)
    run()
    assert copies_in(tmp_path / "out") == whole


def test_copies_of_two_writers(tmp_path, augmented, moments):
    run, _ = augmented
    longest = duration(run)
    shutil.rmtree(tmp_path / "out")

    def add_copies():
        for copies in itertools.count(1):
            done = False
            while not done:
                try:
                    augment_to(copies)
                    done = True
                except OSError as error:
                    assert "no other process" in str(error)
                    time.sleep(0.01)
                except ValueError as error:  # The other has made more.
                    assert "copies=" in str(error)
                    done = True

    def augment_to(copies, target="out"):
        return augment(run.mae, tmp_path, target, copies=copies)

    kill_writers(add_copies, moments, longest, lambda: None)
    copies = files.read_json(tmp_path / "out" / RECORD)["copies"]
    augment_to(copies)
    augment_to(copies, "whole")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole") and copies > 1
    assert os.listdir(tmp_path / "beside") == []
