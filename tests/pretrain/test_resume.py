"""A killed run continues from its checkpoint as if it had never been killed."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from helpers.models import TINY

import keras_mra
from keras_mra.pretrain import checkpoint as checkpoint_lib

# Runs on arrays are traced by TensorFlow, in whole and in part; others are eager.
pytestmark = pytest.mark.usefixtures("quick_compilation")
EPOCHS = 4
STATE = checkpoint_lib.STATE


def make_images():
    return np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype="uint8")


class Batches(keras.utils.PyDataset):
    """Someone else's data set, in an order that does not change."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return make_images()[4 * index : 4 * index + 4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from PIL import Image

    root = tmp_path_factory.mktemp("images")
    for i, image in enumerate(make_images()):
        larger = Image.fromarray(image[..., 0]).resize((20, 16))
        larger.save(root / f"{i}.png")
    return root


def pretrain(ds, **arguments):
    """A run with everything random: order, crops, flips, masks."""
    defaults = dict(
        preset="mae_nano", patch_size=2, image_shape=(8, 8, 1), epochs=EPOCHS,
        learning_rate=0.05, verbose=0, seed=3, **{**TINY, "encoder_depth": 1},
    )  # fmt: skip
    if not isinstance(ds, keras.utils.PyDataset):
        defaults["batch_size"] = 4
    return keras_mra.pretrain_mae(ds, **{**defaults, **arguments})


class Killed(Exception):
    pass


class Kill(keras.callbacks.Callback):
    """Ends the run in an epoch, at its beginning or after its first step."""

    def __init__(self, epoch, middle):
        super().__init__()
        self.epoch, self.middle = epoch, middle
        self.now = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch
        if epoch == self.epoch and not self.middle:
            raise Killed

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and self.middle:
            raise Killed


class Epochs(keras.callbacks.Callback):
    """Which epochs ran."""

    def __init__(self):
        super().__init__()
        self.begun = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(epoch)


def assert_same_run(one, other):
    assert one.history.history == other.history.history
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def make_data(kind, folder):
    return {
        "arrays": make_images,
        "PyDataset": Batches,
        "folder": lambda: f"folder:{folder}",
    }[kind]()


@pytest.fixture(scope="module")
def whole_runs(folder):
    """Uninterrupted runs, by kind of data; made when asked for."""
    runs = {}

    def run(kind):
        if kind not in runs:
            runs[kind] = pretrain(make_data(kind, folder))
        return runs[kind]

    return run


@pytest.mark.parametrize(
    "kind, epoch, middle",
    [
        pytest.param("arrays", 2, True, marks=pytest.mark.graph),
        ("folder", 1, True),
        ("PyDataset", 3, False),
    ],
)
def test_an_exception_and_a_resume(whole_runs, folder, tmp_path, kind, epoch, middle):
    whole = whole_runs(kind)
    data = make_data(kind, folder)
    with pytest.raises(Killed):
        pretrain(data, checkpoint=tmp_path, callbacks=[Kill(epoch, middle)])
    ran = Epochs()
    resumed = pretrain(make_data(kind, folder), checkpoint=tmp_path, callbacks=[ran])
    assert ran.begun == list(range(epoch, EPOCHS))
    assert resumed.history.epoch == list(range(EPOCHS))
    assert_same_run(resumed, whole)


@pytest.mark.graph
def test_every_epoch_draws_anew(whole_runs):
    """Else the resumed runs would prove nothing about random state."""
    losses = whole_runs("arrays").history.history["loss"]
    assert len(losses) == EPOCHS == len(set(losses))


SCRIPT = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import conftest
import keras, test_resume

class Suicide(test_resume.Kill):
    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)

kill = Suicide(2, middle=True)
images = test_resume.make_images()
test_resume.pretrain(images, checkpoint=sys.argv[2], callbacks=[kill])
"""


@pytest.mark.graph
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_kill_and_a_resume_in_another_process(whole_runs, tmp_path):
    tests = pathlib.Path(__file__).parent
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tests), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert [p.name for p in tmp_path.iterdir()] == [STATE]
    ran = Epochs()
    resumed = pretrain(make_images(), checkpoint=tmp_path, callbacks=[ran])
    assert ran.begun == [2, 3]
    assert_same_run(resumed, whole_runs("arrays"))


# --- checkpoints that are there ------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The checkpoint of a run of two epochs, and the run."""
    root = tmp_path_factory.mktemp("finished")
    return root, pretrain(make_images(), epochs=2, checkpoint=root)


def test_a_finished_run_is_returned_as_it_was(finished):
    root, first = finished
    ran = Epochs()
    again = pretrain(make_images(), epochs=2, checkpoint=root, callbacks=[ran])
    assert ran.begun == []
    assert_same_run(again, first)


@pytest.mark.parametrize(
    "arguments, named",
    [
        (dict(learning_rate=0.1), "learning_rate=0.05 there, 0.1 here"),
        (dict(epochs=3), "epochs=2 there, 3 here"),
        (dict(weight_decay=0.1), "weight_decay=0.05 there, 0.1 here"),
        (dict(seed=4), "seed=3 there, 4 here"),
        (dict(batch_size=6), "batch_size=4 there, 6 here"),
        (dict(decoder_dim=16), "model=.*'decoder_dim': 16"),
        (dict(mask_ratio=0.5), "model=.*'mask_ratio': 0.5"),
        (dict(warmup_epochs=1), "warmup_epochs=0.1 there, 1 here"),
    ],
)
def test_another_run_is_refused_naming_what_differs(finished, arguments, named):
    root, _ = finished
    before = (root / STATE).read_bytes()
    ran = Epochs()
    with pytest.raises(
        ValueError, match=f"`checkpoint`.*another run: .*{named}"
    ) as error:
        pretrain(
            make_images(),
            **{"epochs": 2, "checkpoint": root, "callbacks": [ran], **arguments},
        )
    assert STATE in str(error.value) and "choose another folder" in str(error.value)
    assert ran.begun == [] and (root / STATE).read_bytes() == before


@pytest.mark.parametrize(
    "arguments, named",
    [(dict(view=None), "view"), (dict(crop_scale=(0.9, 1.0)), "crop_scale")],
)
def test_a_run_with_other_views_is_another_run(finished, arguments, named):
    with pytest.raises(ValueError, match=f"`checkpoint`.*another run: .*{named}"):
        pretrain(make_images(), epochs=2, checkpoint=finished[0], **arguments)


@pytest.mark.parametrize("damage", ["empty", "half", "garbage", "no header"])
def test_a_damaged_checkpoint_is_named(finished, tmp_path, damage):
    content = (finished[0] / STATE).read_bytes()
    path = tmp_path / STATE
    if damage == "no header":
        np.savez(path, v0=np.zeros(3))
    else:
        path.write_bytes(
            {
                "empty": b"",
                "half": content[: len(content) // 2],
                "garbage": b"\x80" * 1000,
            }[damage]
        )
    before = path.read_bytes()
    with pytest.raises(ValueError, match="`checkpoint`.*could not be read") as error:
        pretrain(make_images(), epochs=2, checkpoint=tmp_path)
    assert str(path) in str(error.value) and "Remove it" in str(error.value)
    assert path.read_bytes() == before


def test_a_checkpoint_is_data_not_code(finished):
    """No pickles: opening someone's checkpoint runs nothing."""
    with np.load(finished[0] / STATE, allow_pickle=False) as state:
        header = json.loads(str(state["header"]))
        arrays = [state[f"v{i}"] for i in range(len(header["variables"]))]
    assert header["epochs_done"] == 2 and len(header["logs"]["loss"]) == 2
    assert all(array.dtype != object for array in arrays)


# --- disks ---------------------------------------------------------------------------


def savez_on_a_full_disk(file, **_):
    file.write(b"half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def replace_on_a_full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FillDisk(keras.callbacks.Callback):
    """From an epoch on, nothing can be written."""

    def __init__(self, monkeypatch, epoch):
        super().__init__()
        self.monkeypatch, self.epoch = monkeypatch, epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.monkeypatch.setattr(np, "savez", savez_on_a_full_disk)


def test_a_full_disk_keeps_the_last_epoch(whole_runs, tmp_path):
    with pytest.MonkeyPatch.context() as monkeypatch:
        full = FillDisk(monkeypatch, 2)
        with pytest.raises(OSError, match="`checkpoint`.*No space left") as error:
            pretrain(Batches(), checkpoint=tmp_path, callbacks=[full])
    assert "Epoch 3" in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == [STATE]
    ran = Epochs()
    resumed = pretrain(Batches(), checkpoint=tmp_path, callbacks=[ran])
    assert ran.begun == [2, 3]
    assert_same_run(resumed, whole_runs("PyDataset"))


@pytest.mark.parametrize(
    "how",
    [(np, "savez", savez_on_a_full_disk), (os, "replace", replace_on_a_full_disk)],
    ids=["while writing", "at the end"],
)
def test_a_checkpoint_is_whole_or_the_one_before(tmp_path, monkeypatch, how):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    model.optimizer.build(model.trainable_variables)
    checkpoint = checkpoint_lib.Checkpoint(tmp_path, {"seed": 1})
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(0, {"loss": 0.5})
    before, weights = (tmp_path / STATE).read_bytes(), model.get_weights()
    model.set_weights([w + 1 for w in weights])
    with monkeypatch.context() as full:
        full.setattr(*how)
        with pytest.raises(OSError, match="Epoch 2 .*No space left.* is kept"):
            checkpoint.on_epoch_end(1, {"loss": 0.4})
    assert [p.name for p in tmp_path.iterdir()] == [STATE]
    assert (tmp_path / STATE).read_bytes() == before
    again = checkpoint_lib.Checkpoint(tmp_path, {"seed": 1})
    assert again.restore(model) == (1, {"loss": [0.5]})
    for restored, saved in zip(model.get_weights(), weights):
        np.testing.assert_array_equal(restored, saved)


def test_a_file_where_the_folder_should_be(tmp_path):
    """Found before training, not after its first epoch."""
    (tmp_path / "file").write_text("mine")
    ran = Epochs()
    with pytest.raises((OSError, ValueError), match="`checkpoint`.*file"):
        pretrain(make_images(), checkpoint=tmp_path / "file", callbacks=[ran])
    assert ran.begun == []
    assert (tmp_path / "file").read_text() == "mine"
