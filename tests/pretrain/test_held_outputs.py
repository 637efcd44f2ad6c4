"""What a training cannot write is found out before it starts."""

import os

import pytest
from helpers.read_only import make_read_only
from helpers.small_pretraining import make_images
from helpers.small_pretraining import pretrain

from keras_mra import files
from keras_mra.pretrain import pretrain_mae
from keras_mra.pretrain import pretrain_msa
from keras_mra.pretrain.checkpoint import PREVIOUS
from keras_mra.pretrain.checkpoint import STATE
from keras_mra.pretrain.held_outputs import held_outputs

pytestmark = pytest.mark.once


def pretrain_any(method, **arguments):
    """Starts a training whose data would be refused after its outputs."""
    train = pretrain_mae if method == "mae" else pretrain_msa
    train("folder:nowhere", "mae_nano", epochs=1, **arguments)


@pytest.mark.parametrize("method", ["mae", "msa"])
@pytest.mark.parametrize("argument", ["checkpoint", "tensorboard"])
@pytest.mark.parametrize("kind", ["file", "below a file", "read-only", "FIFO"])
def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, method, argument, kind):
    folder = tmp_path / "folder"
    if kind == "file":
        folder.write_text("mine")
    elif kind == "below a file":
        (tmp_path / "file").write_text("mine")
        folder = tmp_path / "file" / "folder"
    elif kind == "FIFO":
        os.mkfifo(folder)
    else:
        folder.mkdir()
        make_read_only(monkeypatch, folder)
    # A file in the place of the folder is a bad argument, others are the disk's.
    with pytest.raises((OSError, ValueError), match=f"`{argument}` must be .*folder"):
        pretrain_any(method, **{argument: folder})


@pytest.mark.parametrize("name", [STATE, PREVIOUS])
def test_a_folder_in_the_place_of_a_state(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=f"`checkpoint` must .*{name}.*a folder"):
        pretrain_any("mae", checkpoint=tmp_path)


def test_a_file_in_the_place_of_the_logs(tmp_path):
    (tmp_path / "train").write_text("mine")
    with pytest.raises(OSError, match="`tensorboard` must be a folder.*a file"):
        pretrain_any("mae", tensorboard=tmp_path)


def test_the_data_come_after_the_outputs(tmp_path):
    """Otherwise the tests above would prove nothing; and the lock is given back."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        pretrain_any("mae", checkpoint=tmp_path / "a", tensorboard=tmp_path / "b")
    assert os.listdir(tmp_path / "a") == []


def test_other_processes_of_a_training_do_not_write(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_mra.distribution.is_main_process", lambda: False)
    with held_outputs(tmp_path, None), held_outputs(tmp_path, None):
        assert os.listdir(tmp_path) == []


def test_a_log_that_cannot_be_written(tmp_path):
    """`ReconstructionLogger` says so before the first step, not after the epoch."""
    pytest.importorskip("tensorboard")
    pytest.importorskip("matplotlib")
    from keras_mra import ReconstructionLogger

    (tmp_path / "file").write_text("mine")
    logger = ReconstructionLogger(tmp_path / "file", make_images()[:2])
    with pytest.raises(OSError, match="`log_dir` must be a folder that can be"):
        pretrain(make_images(), callbacks=[logger])


def test_a_lock_file_is_not_left(tmp_path):
    pretrain(make_images(), image_shape=(8, 8, 1), checkpoint=tmp_path)
    assert files.LOCK not in os.listdir(tmp_path)
