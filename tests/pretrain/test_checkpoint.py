"""Checkpoint files: whose run they hold, and what a damaged file or full disk does."""

import errno
import io
import itertools
import json
import os
import zipfile

import keras
import numpy as np
import pytest
from helpers import forked
from helpers.killed import killed_at
from helpers.saved_epochs import RUN
from helpers.saved_epochs import restored
from helpers.saved_epochs import save_epoch
from helpers.saved_epochs import small_model
from helpers.small_pretraining import Batches
from helpers.small_pretraining import Epochs
from helpers.small_pretraining import assert_same_run
from helpers.small_pretraining import make_images
from helpers.small_pretraining import pretrain_at_random

from keras_mra import files
from keras_mra.pretrain.checkpoint import ADDED_ARGUMENTS
from keras_mra.pretrain.checkpoint import PREVIOUS
from keras_mra.pretrain.checkpoint import STATE
from keras_mra.pretrain.checkpoint import Checkpoint
from keras_mra.pretrain.held_outputs import held_outputs
from keras_mra.pretrain.training_state import state_variables

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of the checkpoint of a run of two epochs, and its model."""
    root = tmp_path_factory.mktemp("finished")
    return root, pretrain_at_random(make_images(), epochs=2, checkpoint=root)


@pytest.mark.parametrize(
    "arguments, named",
    [
        (dict(learning_rate=0.1), "learning_rate=0.05 there, 0.1 here"),
        (dict(epochs=3), "epochs=2 there, 3 here"),
        (dict(weight_decay=0.1), "weight_decay=0.05 there, 0.1 here"),
        (dict(seed=4), "seed=3 there, 4 here"),
        (dict(batch_size=6), "batch_size=4 there, 6 here"),
        (dict(decoder_dim=16), "decoder_dim=8 there, 16 here"),
        (dict(mask_ratio=0.5), "mask_ratio=.* there, 0.5 here"),
        (dict(warmup_epochs=1), "warmup_epochs=0.1 there, 1 here"),
    ],
)
def test_another_run_is_refused_naming_what_differs(finished, arguments, named):
    root, _ = finished
    before = (root / STATE).read_bytes()
    ran = Epochs()
    with pytest.raises(
        ValueError, match=f"`checkpoint`.*other arguments: .*{named}"
    ) as error:
        pretrain_at_random(
            make_images(),
            **{"epochs": 2, "checkpoint": root, "callbacks": [ran], **arguments},
        )
    assert STATE in str(error.value) and "another folder" in str(error.value)
    assert ran.begun == [] and (root / STATE).read_bytes() == before


@pytest.mark.parametrize(
    "arguments, named",
    [(dict(view=None), "view"), (dict(crop_scale=(0.9, 1.0)), "crop_scale")],
)
def test_a_run_with_other_views_is_another_run(finished, arguments, named):
    with pytest.raises(ValueError, match=f"`checkpoint`.*other arguments: .*{named}"):
        pretrain_at_random(make_images(), epochs=2, checkpoint=finished[0], **arguments)


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
        pretrain_at_random(make_images(), epochs=2, checkpoint=tmp_path)
    assert str(path) in str(error.value) and "Remove its folder" in str(error.value)
    assert path.read_bytes() == before


def test_a_checkpoint_is_data_not_code(finished):
    """There are no pickles: opening a stranger's checkpoint runs no code."""
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
    """Lets the disk be full from an epoch on."""

    def __init__(self, monkeypatch, epoch):
        super().__init__()
        self.monkeypatch, self.epoch = monkeypatch, epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.monkeypatch.setattr(np, "savez", savez_on_a_full_disk)


def test_a_full_disk_keeps_the_last_epoch(tmp_path):
    with pytest.MonkeyPatch.context() as monkeypatch:
        full = FillDisk(monkeypatch, 2)
        with pytest.raises(OSError, match="`checkpoint`.*No space left") as error:
            pretrain_at_random(
                Batches(make_images()), checkpoint=tmp_path, callbacks=[full]
            )
    assert "Epoch 3" in str(error.value)
    assert {p.name for p in tmp_path.iterdir()} == {STATE, PREVIOUS}
    ran = Epochs()
    resumed = pretrain_at_random(
        Batches(make_images()), checkpoint=tmp_path, callbacks=[ran]
    )
    assert ran.begun == [2, 3]
    assert_same_run(resumed, pretrain_at_random(Batches(make_images())))


@pytest.mark.parametrize(
    "how",
    [(np, "savez", savez_on_a_full_disk), (os, "replace", replace_on_a_full_disk)],
    ids=["while writing", "at the end"],
)
def test_a_checkpoint_is_whole_or_the_one_before(tmp_path, monkeypatch, how):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    model.optimizer.build(model.trainable_variables)
    checkpoint = Checkpoint(tmp_path, {"seed": 1})
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
    again = Checkpoint(tmp_path, {"seed": 1})
    assert again.restore(model) == (1, {"loss": [0.5]})
    for found, saved in zip(model.get_weights(), weights):
        np.testing.assert_array_equal(found, saved)


def test_a_resume_removes_unfinished_files(tmp_path):
    """A process that is killed while it writes leaves a part of the file."""
    (tmp_path / f"{files.PREFIX}0.npz").write_bytes(b"half")
    (tmp_path / f"{files.PREFIX}1").mkdir()
    (tmp_path / f"{files.PREFIX}1" / STATE).write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    with held_outputs(tmp_path, None):
        assert {p.name for p in tmp_path.iterdir()} == {files.LOCK, "notes.txt"}
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


# --- the state before, and two processes ---------------------------------------------


@pytest.fixture
def two_epochs(tmp_path):
    save_epoch(tmp_path, 1)
    save_epoch(tmp_path, 2)
    return tmp_path


@pytest.mark.parametrize("damage", ["empty", "half", "garbage", "flipped", "a FIFO"])
def test_a_state_that_cannot_be_read_falls_back_to_the_one_before(two_epochs, damage):
    path = two_epochs / STATE
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    path.unlink()
    if damage == "a FIFO":
        os.mkfifo(path)
    else:
        path.write_bytes(
            {
                "empty": b"",
                "half": content[: len(content) // 2],
                "garbage": b"\x80" * 1000,
                "flipped": flipped,
            }[damage]
        )
    with pytest.warns(UserWarning) as warned:
        assert restored(two_epochs) == 1
    messages = [str(warning.message) for warning in warned]
    (message,) = [text for text in messages if "checkpoint" in text]
    assert str(path) in message and "could not be read" in message
    assert "of epoch 1" in message and "\n" not in message


def expanding(name, shape, dtype="float32"):
    """A state of a few kilobytes, one of whose arrays declares more."""
    model = small_model()
    variables = state_variables(model)
    header = {
        "run": RUN,
        "epochs_done": 2,
        "logs": {},
        "variables": [(list(v.shape), v.path) for v in variables],
    }
    arrays = {f"v{i}": np.zeros(v.shape, "float32") for i, v in enumerate(variables)}
    content = io.BytesIO()
    np.savez_compressed(content, header=json.dumps(header), **arrays)
    with zipfile.ZipFile(content) as whole:
        members = {info.filename: whole.read(info) for info in whole.infolist()}
    large = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        large,
        {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape},
    )
    members[name] = large.getvalue()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as hostile:
        for member, data in members.items():
            hostile.writestr(member, data)
    return content.getvalue()


@pytest.mark.parametrize(
    "hostile",
    [
        ("v0.npy", (2**36,)),
        ("v0.npy", (2**62, 2**62)),
        ("v0.npy", (2, 1), "S1000000000"),
        ("header.npy", (2**36,), "U1"),
        ("v0.npy", (2,)),
    ],
)
def test_a_small_state_that_asks_for_much_memory_is_not_read(two_epochs, hostile):
    """Its arrays are held against the model's, before memory is used for them."""
    (two_epochs / STATE).write_bytes(expanding(*hostile))
    with pytest.warns(UserWarning, match="could not be read: its array"):
        assert restored(two_epochs) == 1


def test_a_damaged_state_does_not_replace_the_one_before(two_epochs):
    (two_epochs / STATE).write_bytes(b"")
    kept = (two_epochs / PREVIOUS).read_bytes()
    with pytest.warns(UserWarning, match="continues from the state before it"):
        save_epoch(two_epochs, 2)
    assert (two_epochs / PREVIOUS).read_bytes() == kept and restored(two_epochs) == 2
    save_epoch(two_epochs, 3)
    (two_epochs / STATE).unlink()
    with pytest.warns(UserWarning, match="is missing. .* of epoch 2"):
        assert restored(two_epochs) == 2


def test_two_damaged_states_are_refused(two_epochs):
    for name in (STATE, PREVIOUS):
        (two_epochs / name).write_bytes(b"")
    with pytest.raises(ValueError, match="`checkpoint`.*could not be read.*Remove its"):
        restored(two_epochs)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.filterwarnings("ignore:.*is missing")
def test_a_kill_at_any_write_loses_no_saved_epoch(tmp_path, after):
    save_epoch(tmp_path, 1)
    for epoch in itertools.count(2):
        was_killed = killed_at(epoch - 2, save_epoch, tmp_path, epoch, after=after)
        done = restored(tmp_path)
        assert done == epoch or (was_killed and done == epoch - 1)
        if not was_killed:
            break
        if done < epoch:
            save_epoch(tmp_path, epoch)
    assert epoch > 8


def test_a_second_process_is_refused_before_any_work(tmp_path):
    """By the name of the first, and what that one saves stays whole."""
    save_epoch(tmp_path, 1)
    ran = Epochs()
    with forked.holding(lambda: held_outputs(tmp_path, None)) as first:
        with pytest.raises(OSError, match=f"`checkpoint` must .*process {first} on"):
            pretrain_at_random(make_images(), checkpoint=tmp_path, callbacks=[ran])
        assert ran.begun == [] and restored(tmp_path) == 1
    with held_outputs(tmp_path, None):  # It was killed.
        pass


def test_a_run_holds_its_checkpoint_to_its_end(tmp_path):
    class Try(keras.callbacks.Callback):
        refused = 0

        def on_epoch_end(self, epoch, logs=None):
            with pytest.raises(OSError, match="no other process"):
                pretrain_at_random(make_images(), checkpoint=tmp_path)
            self.refused += 1

    attempt = Try()
    pretrain_at_random(make_images(), checkpoint=tmp_path, callbacks=[attempt])
    assert attempt.refused == 4
    assert {path.name for path in tmp_path.iterdir()} == {STATE, PREVIOUS}


def test_two_processes_that_save_by_turns_lose_nothing(tmp_path):
    """Each tries until it has saved ten epochs, and is refused while the other does."""

    def save_ten():
        saved = 0
        while saved < 10:
            try:
                with held_outputs(tmp_path, None):
                    save_epoch(tmp_path, restored(tmp_path) + 1)
                    saved += 1
            except OSError as error:
                assert "no other process" in str(error)

    processes = [forked.start(save_ten) for _ in range(2)]
    assert [forked.status(process) for process in processes] == [0, 0]
    assert restored(tmp_path) == 20


def test_numpy_numbers_define_the_run_that_pythons_do(finished):
    root, first = finished
    again = pretrain_at_random(
        make_images(),
        epochs=np.int64(2),
        learning_rate=np.float64(0.05),
        seed=np.int64(3),
        checkpoint=root,
    )
    assert_same_run(again, first)


def test_a_file_where_the_folder_should_be(tmp_path):
    """The error comes before training, not after its first epoch."""
    (tmp_path / "file").write_text("mine")
    ran = Epochs()
    with pytest.raises((OSError, ValueError), match="`checkpoint`.*file"):
        pretrain_at_random(make_images(), checkpoint=tmp_path / "file", callbacks=[ran])
    assert ran.begun == []
    assert (tmp_path / "file").read_text() == "mine"


def test_arguments_that_earlier_versions_did_not_have(tmp_path):
    """Their absence in a file means what earlier versions did."""
    model = {"mask_ratio": 0.75}
    now = Checkpoint(tmp_path, {"model": {**model, **ADDED_ARGUMENTS}})
    now._refuse_another_run({"model": model})
    changed = {name: not value for name, value in ADDED_ARGUMENTS.items()}
    other = Checkpoint(tmp_path, {"model": {**model, **changed}})
    with pytest.raises(ValueError, match="smooth_fill.*another|another.*smooth_fill"):
        other._refuse_another_run({"model": model})


def test_earlier_versions_made_their_crops_with_pillow(tmp_path):
    earlier = {"data": "folder:photos"}
    Checkpoint(tmp_path, {**earlier, "image_library": "pillow"})._refuse_another_run(
        earlier
    )
    now = Checkpoint(tmp_path, {**earlier, "image_library": "opencv"})
    with pytest.raises(ValueError, match="image_library='pillow' there, 'opencv' here"):
        now._refuse_another_run(earlier)
