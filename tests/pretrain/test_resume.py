"""A killed run continues from its checkpoint as if it had never been killed."""

import os
import pathlib
import signal
import subprocess
import sys

import keras
import pytest
from helpers.small_pretraining import EPOCHS
from helpers.small_pretraining import Batches
from helpers.small_pretraining import Epochs
from helpers.small_pretraining import Kill
from helpers.small_pretraining import Killed
from helpers.small_pretraining import assert_same_run
from helpers.small_pretraining import make_images
from helpers.small_pretraining import pretrain_at_random

from keras_mra import files
from keras_mra.pretrain import training_data
from keras_mra.pretrain.checkpoint import PREVIOUS
from keras_mra.pretrain.checkpoint import STATE

# Runs on arrays are traced by TensorFlow, in whole and in part; others are eager.
pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from PIL import Image

    root = tmp_path_factory.mktemp("images")
    for i, image in enumerate(make_images()):
        larger = Image.fromarray(image[..., 0]).resize((20, 16))
        larger.save(root / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """JPEG files in colour, whose crops OpenCV makes."""
    from PIL import Image

    root = tmp_path_factory.mktemp("photographs")
    for i, image in enumerate(make_images()):
        larger = Image.fromarray(image[..., 0]).convert("RGB").resize((20, 16))
        larger.save(root / f"{i}.jpg")
    return root


def make_data(kind, folder):
    return {
        "arrays": make_images,
        "PyDataset": lambda: Batches(make_images()),
        "folder": lambda: f"folder:{folder}",
    }[kind]()


@pytest.fixture(scope="module")
def whole_runs(folder):
    """A function from a kind of data to an uninterrupted run, which it keeps."""
    runs = {}

    def run(kind):
        if kind not in runs:
            runs[kind] = pretrain_at_random(make_data(kind, folder))
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
        pretrain_at_random(data, checkpoint=tmp_path, callbacks=[Kill(epoch, middle)])
    ran = Epochs()
    resumed = pretrain_at_random(
        make_data(kind, folder), checkpoint=tmp_path, callbacks=[ran]
    )
    assert ran.begun == list(range(epoch, EPOCHS))
    assert resumed.history.epoch == list(range(EPOCHS))
    assert_same_run(resumed, whole)


def test_photographs_and_a_resume(photographs, tmp_path, monkeypatch):
    def run(**arguments):
        data = f"folder:{photographs}"
        return pretrain_at_random(data, image_shape=(8, 8, 3), **arguments)

    whole = run()
    with pytest.raises(Killed):
        run(checkpoint=tmp_path, callbacks=[Kill(2, middle=True)])
    with monkeypatch.context() as without_opencv:
        without_opencv.setitem(sys.modules, "cv2", None)
        with pytest.raises(ValueError, match="image_library='opencv' there, 'pillow'"):
            run(checkpoint=tmp_path)
    with pytest.raises(ValueError, match="cache_side=None there, 16 here"):
        run(checkpoint=tmp_path, cache_side=16)
    assert_same_run(run(checkpoint=tmp_path), whole)


@pytest.mark.graph
def test_every_epoch_draws_anew(whole_runs):
    """Otherwise the resumed runs would prove nothing about random state."""
    losses = whole_runs("arrays").history.history["loss"]
    assert len(losses) == EPOCHS == len(set(losses))


SCRIPT = """
import os, signal, sys
sys.path.append(sys.argv[1])
import conftest  # of all tests
import keras, test_resume

class KillProcess(test_resume.Kill):
    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)

kill = KillProcess(2, middle=True)
images = test_resume.make_images()
test_resume.pretrain_at_random(images, checkpoint=sys.argv[2], callbacks=[kill])
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
    assert {p.name for p in tmp_path.iterdir()} == {STATE, PREVIOUS, files.LOCK}
    ran = Epochs()
    resumed = pretrain_at_random(make_images(), checkpoint=tmp_path, callbacks=[ran])
    assert ran.begun == [2, 3]
    assert_same_run(resumed, whole_runs("arrays"))


def test_a_finished_run_is_returned_as_it_was(tmp_path):
    first = pretrain_at_random(make_images(), epochs=2, checkpoint=tmp_path)
    ran = Epochs()
    again = pretrain_at_random(
        make_images(), epochs=2, checkpoint=tmp_path, callbacks=[ran]
    )
    assert ran.begun == []
    assert_same_run(again, first)


def test_metrics_of_some_epochs_are_not_counted_twice(tmp_path):
    class Sometimes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch % 2:
                logs["sometimes"] = float(epoch)

    def run(*callbacks):
        return pretrain_at_random(
            make_images(), checkpoint=tmp_path, callbacks=[Sometimes(), *callbacks]
        )

    with pytest.raises(Killed):
        run(Kill(EPOCHS - 1, middle=True))
    found = run().history.history["sometimes"]
    assert found == [float(epoch) for epoch in range(1, EPOCHS, 2)]


def test_other_images_are_refused(tmp_path):
    pretrain_at_random(make_images(), checkpoint=tmp_path)
    with pytest.raises(ValueError, match="images='.*' there, '.*' here"):
        pretrain_at_random(make_images() // 2, checkpoint=tmp_path)


def test_a_checkpoint_without_a_digest_is_continued(tmp_path, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(training_data, "_digest", lambda images: None)
        pretrain_at_random(make_images(), checkpoint=tmp_path)
    assert len(pretrain_at_random(make_images(), checkpoint=tmp_path).history.epoch)
