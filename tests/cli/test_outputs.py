"""Commands find out before the work what they cannot write."""

import json
import os
import re

import pytest
from helpers.commands import run
from helpers.read_only import make_read_only

import keras_mra
from keras_mra import datasets

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def reached(monkeypatch):
    """A list that has an entry as soon as the work begins, which then ends."""
    begun = []

    def work(*args, **kwargs):
        begun.append(args)
        raise ValueError("The work would begin.")

    for module, name in (
        (keras_mra, "pretrain_mae"),
        (keras_mra, "pretrain_msa"),
        (keras_mra.MAE, "from_preset"),
        (datasets, "load"),
    ):
        monkeypatch.setattr(module, name, work)
    return begun


def a_file(place):
    place.write_text("mine")


def below_a_file(place):
    place.parent.rmdir()
    place.parent.write_text("mine")


def a_device(place):
    place.symlink_to("/dev/null")


def a_fifo(place):
    os.mkfifo(place)


def a_folder(place):
    place.mkdir()


def holding(*names):
    """A function that makes a folder with folders in the places of files."""

    def hold(place):
        for name in names:
            (place / name).mkdir(parents=True)

    return hold


def of_another_library(place):
    place.mkdir()
    (place / "config.json").write_text(json.dumps({"model_type": "vit"}))


NO_FOLDERS = [a_file, below_a_file, a_device, a_fifo]
NO_PRESETS = [
    *NO_FOLDERS,
    of_another_library,
    *map(holding, ["config.json", "model.weights.h5", "metadata.json"]),
]
PRETRAIN = "pretrain digits --epochs 1 --out"
CASES = [
    *[(PRETRAIN, "out", case) for case in NO_PRESETS],
    (PRETRAIN, "out", holding("README.md")),
    (PRETRAIN, "out", holding("preview.png")),
    (f"{PRETRAIN.replace(' --', ' --method msa --', 1)}", "out", a_file),
    *[("convert mae_nano --to preset", "target", case) for case in NO_PRESETS],
    *[("convert mae_nano --to transformers", "target", case) for case in NO_FOLDERS],
    ("convert mae_nano --to transformers", "target", holding("model.safetensors")),
    *[("demo --out", "out", case) for case in NO_FOLDERS],
    ("demo --out", "out", holding("compare.json")),
    ("demo --out", "out", holding("gallery.png")),
    *[
        ("inspect mae_nano digits --out", "out", case)
        for case in (below_a_file, a_device, a_fifo, a_folder)
    ],
    *[
        ("embed photos", "out", case)
        for case in (below_a_file, a_device, a_fifo, a_folder)
    ],
]


def name_of_output(command):
    """A figure and a file of features need a suffix of their kind."""
    names = {"inspect": "out.png", "embed": "out.parquet"}
    return names.get(command.split()[0], "out")


@pytest.mark.parametrize("command, argument, case", CASES)
def test_what_cannot_be_written_is_refused(tmp_path, reached, command, argument, case):
    (tmp_path / "there").mkdir()
    place = tmp_path / "there" / name_of_output(command)
    case(place)
    result = run([*command.split(), str(place)])
    assert result.exit_code == 1 and not reached, result.output
    assert result.output.startswith(f"Error: `{argument}` must be")
    assert str(place) in result.output and result.output.count("\n") == 1


@pytest.mark.parametrize(
    "command, name",
    [
        (PRETRAIN, ""),
        ("convert mae_nano --to preset", ""),
        ("convert mae_nano --to transformers", ""),
        ("demo --out", ""),
        ("inspect mae_nano digits --out", "a.png"),
        ("embed photos", "a.parquet"),
    ],
)
def test_an_existing_folder_that_is_read_only(tmp_path, monkeypatch, command, name):
    folder = tmp_path / "out"
    folder.mkdir()
    make_read_only(monkeypatch, folder)
    result = run([*command.split(), str(folder / name)])
    assert result.exit_code == 1 and "Read-only file system" in result.output
    assert result.output.startswith("Error: `")


@pytest.mark.parametrize("command", sorted({command for command, _, _ in CASES}))
def test_what_can_be_written_is_not_refused(tmp_path, reached, command):
    """Otherwise the tests above would prove nothing."""
    run([*command.split(), str(tmp_path / "new" / name_of_output(command))])
    # The work that is refused leaves no folder.
    assert reached and os.listdir(tmp_path) == []


@pytest.mark.parametrize("inside", [".", "maes/own"])
def test_pretrain_writes_no_picture_among_the_images(tmp_path, reached, inside):
    """They would be other images in the run that continues."""
    (tmp_path / "photos").mkdir()
    place = tmp_path / "photos" / inside
    result = run(["pretrain", f"folder:{tmp_path / 'photos'}", "--out", str(place)])
    assert result.exit_code == 1 and not reached
    assert result.output.startswith("Error: `out` must be outside of the folder")
    assert not list((tmp_path / "photos").iterdir())


@pytest.mark.parametrize(
    "command, name",
    [
        (["convert", "tiny", ""], "target"),
        (["pretrain", "digits", "--out", ""], "--out"),
        (["pretrain", "digits", "--out", "a", "--checkpoint", ""], "--checkpoint"),
        (["pretrain", "digits", "--out", "a", "--tensorboard", ""], "--tensorboard"),
        (["demo", "--out", ""], "--out"),
        (["compare", "digits", "--out", ""], "--out"),
        (["inspect", "tiny", "--out", ""], "--out"),
        (["inspect", "tiny", "--masks", ""], "--masks"),
    ],
)
def test_an_empty_path_is_not_this_folder(
    command, name, tmp_path, monkeypatch, reached
):
    monkeypatch.chdir(tmp_path)
    result = run(command)
    assert result.exit_code == 2 and not reached
    expected = f"'{name}': .*must be the path of a file or folder. Received: ''"
    assert re.search(expected, " ".join(result.output.split()), re.IGNORECASE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["augment"], ["embed"]])
@pytest.mark.parametrize("places", [("", "out.parquet"), ("in", "")])
def test_an_empty_path_or_url(command, places, tmp_path, monkeypatch):
    monkeypatch.undo()  # A preset is needed.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    result = run([*command, *places])
    assert result.exit_code == 1
    assert re.search("`(source|target|out)` must be the path of a .*=''", result.output)
    assert [place.name for place in tmp_path.iterdir()] == ["in"]
