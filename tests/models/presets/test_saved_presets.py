"""Presets are saved whole or not at all."""

import errno
import itertools
import json
import os
import pathlib
import shutil
import sys

import keras
import pytest
from helpers import forked
from helpers.killed import killed_at
from helpers.models import same_weights
from helpers.small_preset import CONFIG
from helpers.small_preset import METADATA
from helpers.small_preset import WEIGHTS
from helpers.small_preset import make_mae

import keras_mra
from keras_mra import files

# --- saving that fails ---------------------------------------------------------------


def disk_full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def fail_weights(monkeypatch):
    def save_weights(self, path, **_):
        pathlib.Path(path).write_bytes(b"half")
        disk_full()

    monkeypatch.setattr(keras.Model, "save_weights", save_weights)


def fail_config(monkeypatch):
    def write_text(self, *_, **__):
        self.write_bytes(b"{")
        disk_full()

    monkeypatch.setattr(pathlib.Path, "write_text", write_text)


def fail_metadata(monkeypatch):
    original = pathlib.Path.write_text

    def write_text(self, text, **kwargs):
        if "parameter_count" in text:
            self.write_bytes(b"{")
            disk_full()
        return original(self, text, **kwargs)

    monkeypatch.setattr(pathlib.Path, "write_text", write_text)


def fail_replace(monkeypatch):
    monkeypatch.setattr(os, "replace", disk_full)


FAILURES = [fail_weights, fail_config, fail_metadata, fail_replace]


@pytest.mark.parametrize("fail", FAILURES)
def test_a_full_disk_leaves_the_old_preset(folder, monkeypatch, fail):
    """All of it: new weights beside an old configuration would be no preset."""
    before = content(folder)
    other = make_mae(encoder_dim=8, mask_ratio=0.75)
    with monkeypatch.context() as patched:
        fail(patched)
        with pytest.raises(OSError, match="No space left") as error:
            other.save_to_preset(folder)
    assert str(folder) in str(error.value)
    assert content(folder) == before
    other.save_to_preset(folder)  # once there is space
    assert same_weights(keras_mra.MAE.from_preset(folder), other)


@pytest.mark.parametrize("fail", FAILURES)
def test_a_full_disk_leaves_no_half_preset(mae, tmp_path, monkeypatch, fail):
    with monkeypatch.context() as patched:
        fail(patched)
        with pytest.raises(OSError, match="No space left"):
            mae.save_to_preset(tmp_path / "new")
    assert content(tmp_path / "new") == {}


def test_a_file_in_the_way(mae, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="`path`.*file"):
        mae.save_to_preset(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, METADATA])
def test_a_folder_in_the_place_of_a_file(mae, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=f"`path` must .*{name}.*a folder"):
        mae.save_to_preset(tmp_path)
    assert os.listdir(tmp_path) == [name]


# --- weights and configuration of one model ------------------------------------------


def test_weights_of_another_model_are_refused(folder, tmp_path):
    """Of the same sizes, so that they would load."""
    other = make_mae(value_range=(0, 255))
    other.save_to_preset(tmp_path / "other")
    shutil.copy(tmp_path / "other" / WEIGHTS, folder / WEIGHTS)
    with pytest.raises(ValueError, match="`preset` must hold .* saved together"):
        keras_mra.MAE.from_preset(folder)
    assert keras_mra.MAE.from_preset(folder, load_weights=False).value_range == (0, 1)


def test_a_preset_of_an_earlier_version_has_no_digest(mae, folder):
    document = json.loads((folder / CONFIG).read_text())
    assert len(document.pop("weights_sha256")) == 64
    (folder / CONFIG).write_text(json.dumps(document))
    assert same_weights(keras_mra.MAE.from_preset(folder), mae)


def test_a_preset_that_is_replaced_while_it_is_loaded(folder, monkeypatch):
    other = make_mae(value_range=(0, 255))
    load = keras.Model.load_weights

    def replace_first(self, path, **kwargs):
        other.save_to_preset(folder)
        return load(self, path, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(keras.Model, "load_weights", replace_first)
        with pytest.raises(ValueError, match="saved together"):
            keras_mra.MAE.from_preset(folder)
    assert keras_mra.MAE.from_preset(folder).value_range == (0, 255)


def what_loads(folder, first, second):
    """Which of two models a folder holds, `None` where it is refused in our words."""
    try:
        loaded = keras_mra.MAE.from_preset(folder)
    except ValueError as error:
        assert "`preset`" in str(error)
        return None
    (found,) = [m for m in (first, second) if m.value_range == loaded.value_range]
    assert same_weights(loaded, found)
    return found


@pytest.mark.once
def test_a_kill_between_the_replacements_leaves_one_model_or_none(mae, saved, tmp_path):
    """`make test-slow` kills at every write."""
    other = make_mae(value_range=(0, 255))
    seen = []
    for number in itertools.count():
        folder = tmp_path / str(number)
        shutil.copytree(saved, folder)
        was_killed = killed_at(number, other.save_to_preset, folder, calls=["replace"])
        seen.append(what_loads(folder, mae, other))
        if not was_killed:
            break
    assert list(dict.fromkeys(seen)) == [mae, None, other] and len(seen) == 7
    other.save_to_preset(tmp_path / "3")
    assert {p.name for p in (tmp_path / "3").iterdir()} == {CONFIG, WEIGHTS, METADATA}


@pytest.mark.once
def test_two_processes_that_save_at_once_wait_for_each_other(tmp_path):
    first, second = make_mae(value_range=(0, 1)), make_mae(value_range=(0, 255))

    def save_often(model):
        for _ in range(3):
            model.save_to_preset(tmp_path)

    processes = [forked.start(save_often, model) for model in (first, second)]
    assert [forked.status(process) for process in processes] == [0, 0]
    assert what_loads(tmp_path, first, second) is not None


@pytest.mark.once
def test_a_process_that_saves_for_long_is_named(mae, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[files.replacing.__module__], "PATIENCE", 0.1)
    hold = lambda: files.locked(tmp_path, "", name=".mra-lock-config.json")  # noqa: E731
    with forked.holding(hold) as other:
        with pytest.raises(OSError, match=f"`path` must .*process {other} on"):
            mae.save_to_preset(tmp_path)


def test_saving_twice_replaces(folder, mae):
    other = make_mae(encoder_dim=8)
    other.save_to_preset(folder)
    loaded = keras_mra.MAE.from_preset(folder)
    assert loaded.encoder_dim == 8 and same_weights(loaded, other)
