"""What is printed before the first step, and the steps that time a training."""

import time

import keras
import numpy as np
import pytest
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import assert_same_run
from helpers.small_pretraining import make_images
from helpers.small_pretraining import pretrain
from helpers.small_pretraining import pretrain_at_random
from PIL import Image

import keras_mra
from keras_mra.pretrain import plan
from keras_mra.pretrain.time_steps import seconds_per_step
from keras_mra.pretrain.viewed_mae import ViewedMAE

pytestmark = pytest.mark.usefixtures("quick_compilation")


def lines(capsys):
    """The printed lines of the plan, by their first word."""
    found = {}
    for line in capsys.readouterr().out.splitlines():
        name, _, text = line.partition(" ")
        found.setdefault(name, text.strip())
    return found


@pytest.fixture
def folder(tmp_path):
    for index, pixels in enumerate(np.repeat(make_images(), 2, axis=0)):
        Image.fromarray(pixels[..., 0]).save(tmp_path / f"{index:02}.png")
    (tmp_path / "99.png").write_bytes(b"no image")
    return tmp_path


def test_the_plan_of_a_folder(folder, capsys):
    with pytest.warns(UserWarning, match="1 of 25 images could not be read"):
        mae = pretrain(
            f"folder:{folder}", epochs=2, batch_size=5, held_out=64, verbose=2
        )
    printed = lines(capsys)
    assert printed["data"] == (
        f"folder:{folder}: 25 files, 1 of them unreadable; 2 held out, to measure the "
        "paint"
    )
    assert printed["images"] == "8x8, in patches of 2x2: 16 an image"
    assert f"{mae.count_params():,} parameters" in printed["model"]
    assert "8 steps of 5 images, in 2 epochs" in printed["training"]
    assert keras.backend.backend() in printed["device"]
    assert printed["time"].startswith(("a few ", "about "))
    assert "resumes" not in printed


def test_nothing_is_printed_if_not_verbose(images, capsys):
    pretrain(images)
    assert capsys.readouterr().out == ""


def test_where_a_run_resumes(images, tmp_path, capsys):
    for verbose in (0, 2):
        pretrain_at_random(images, checkpoint=tmp_path, verbose=verbose)
    assert lines(capsys)["resumes"] == "all 4 epochs are done"


def test_timed_steps_leave_no_trace(images):
    silent = pretrain_at_random(images)
    assert_same_run(pretrain_at_random(images, verbose=2), silent)


def test_timed_steps_of_a_student_leave_no_trace(images):
    arguments = dict(patch_size=2, epochs=2, batch_size=4, seed=3, **SMALL)
    one, other = (
        keras_mra.pretrain_msa(images, "mae_nano", verbose=verbose, **arguments)
        for verbose in (0, 2)
    )
    assert_same_run(one, other)


@pytest.mark.once
@pytest.mark.parametrize(
    "seconds, text",
    [(0.4, "a few seconds"), (89, "about 89 seconds"), (600, "about 10 minutes"),
     (9_000, "about 2.5 hours")],
)  # fmt: skip
def test_durations_in_words(seconds, text):
    assert plan._duration(seconds) == text


@pytest.mark.once
def test_what_would_crawl_is_named():
    slow = keras_mra.MAE((64, 64, 1), 2, **SMALL)
    (hint,) = plan._hints(slow, 60)
    assert "1024 patches" in hint and "--image-size" in hint and "--patch-size" in hint
    (hint,) = plan._hints(slow, 60, is_named=False)
    assert "--image-size" not in hint and "--patch-size" in hint
    quick = keras_mra.MAE((8, 8, 1), 2, **SMALL)
    assert plan._hints(quick, 60) == []
    (hint,) = plan._hints(quick, 10 * 3600)
    assert "--effort quick" in hint and "mae_nano" not in hint
    *_, hint = plan._hints(quick, 10 * 3600, keeps_state=False)
    assert "--checkpoint" in hint


def test_reading_counts_in_the_estimate(images):
    class Slow(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            time.sleep(0.5)
            return images[:4]

    model = ViewedMAE(keras_mra.MAE((8, 8, 1), 2, **SMALL))
    model.compile("adam")
    model.optimizer.build(model.trainable_variables)
    assert seconds_per_step(model, Slow(), images[:4]) >= 0.5
