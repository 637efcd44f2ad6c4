"""What runs of `keras-mra pretrain` write and say."""

import re
import sys

import numpy as np
import pytest
from helpers.commands import run

import keras_mra

pytestmark = pytest.mark.once


def test_pretrain_writes_a_preset_with_a_card(tmp_path, preset, monkeypatch):
    command = ["pretrain", "digits", "--preset", preset, "--epochs", "1"]
    command += ["--image-size", "8x8x1", "--batch-size", "700", "--out", str(tmp_path)]
    command += ["--patch-size", "2"]
    monkeypatch.setattr(sys, "argv", ["keras-mra", *command])
    # The weights are for other images: one line says so, with status 1.
    result = run(command)
    assert result.exit_code == 1 and "must have images of" in result.output
    assert "Traceback" not in result.output
    command[3] = "mae_nano"
    result = run(command)
    assert result.exit_code == 0, result.output
    mae = keras_mra.MAE.from_preset(str(tmp_path))
    assert mae.image_shape == (8, 8, 1) and mae.patch_size == (2, 2)
    card = (tmp_path / "README.md").read_text()
    assert "keras-mra pretrain digits" in card and "| 1 |" in card
    # One line for the epoch, as it ends.
    assert len(re.findall(r"^\d/\d - .* - loss: ", result.output, re.M)) == 1
    # The measures, on the screen, in the card and as a picture.
    for text in (result.output, card):
        assert "Measured on 64 images of digits" in text
        assert "inpainting" in text or "worse than mean colour" in text
        assert "ttention" in text
    assert "MSE / Telea's at 0.4" in card and (tmp_path / "preview.png").is_file()
    assert f"keras-mra app {tmp_path}" in result.output
    assert "700 images" in result.output and "\ntime " in result.output


def test_pretrain_measures_on_images_that_it_holds_out(tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for index in range(30):
        pixels = rng.integers(0, 256, (16, 16, 3)).astype("uint8")
        image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    out, data = tmp_path / "out", f"folder:{tmp_path / 'photos'}"
    command = ["pretrain", data, "--out", str(out), "--preset", "mae_nano"]
    result = run([*command, "--epochs", "1", "--held-out", "7"])
    assert result.exit_code == 0, result.output
    assert "3 held out" in result.output
    assert f"Measured on 3 images of {data}" in result.output
    assert f"keras-mra augment {tmp_path / 'photos'}" in result.output


def test_pretrain_measures_a_val_split(tmp_path):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for split, number in (("train", 12), ("val", 3)):
        (tmp_path / "photos" / split).mkdir(parents=True)
        for index in range(number):
            pixels = rng.integers(0, 256, (16, 16, 3)).astype("uint8")
            image.fromarray(pixels).save(tmp_path / "photos" / split / f"{index}.png")
    out, data = tmp_path / "out", f"folder:{tmp_path / 'photos'}"
    command = ["pretrain", data, "--out", str(out), "--preset", "mae_nano"]
    result = run([*command, "--epochs", "1"])
    assert result.exit_code == 0, result.output
    assert f"Measured on 3 images of {data}, without masks.\n" in result.output
    assert f"keras-mra augment {tmp_path / 'photos' / 'train'} " in result.output


def test_pretrain_says_when_it_measures_on_training_images(tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    out, data = tmp_path / "out", f"folder:{tmp_path / 'photos'}"
    command = ["pretrain", data, "--out", str(out), "--preset", "mae_nano"]
    for number, said in (
        (1, "Warning: the preset was not measured: `images` must hold at least two"),
        (3, "Measured on 3 images of .*The training used them too"),
    ):
        for index in range(number):
            pixels = rng.integers(0, 256, (16, 16, 3)).astype("uint8")
            image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
        result = run([*command, "--epochs", "1"])
        assert result.exit_code == 0, result.output
        assert re.search(said, result.output)
        assert f"Wrote the preset {out}" in result.output


def test_a_resumed_runs_card_counts_all_its_parts(tmp_path):
    command = ["pretrain", "digits", "--preset", "mae_nano", "--epochs", "1"]
    command += ["--batch-size", "700", "--patch-size", "4", "--out", str(tmp_path)]
    command += ["--checkpoint", str(tmp_path / "checkpoint")]
    cards = []
    for _ in range(2):
        result = run(command)
        assert result.exit_code == 0, result.output
        cards.append((tmp_path / "README.md").read_text())
    assert "all 1 epochs are done" in result.output
    first, second = (
        int(re.search(r"^(\d+) seconds on ", card, re.M)[1]) for card in cards
    )
    # The first also counts what came after its last state.
    assert second >= first / 2 and first >= 1


def test_pretrain_msa_writes_its_student(tmp_path):
    command = ["pretrain", "digits", "--method", "msa", "--preset", "mae_nano"]
    command += ["--epochs", "1", "--batch-size", "700", "--out", str(tmp_path)]
    command += ["--patch-size", "4"]
    result = run(command)
    assert result.exit_code == 0, result.output
    assert keras_mra.MAE.from_preset(str(tmp_path)).image_shape == (8, 8, 1)
    assert "| 1 |" in (tmp_path / "README.md").read_text()


def test_pretrain_names_a_folder_without_its_prefix(tmp_path):
    result = run(["pretrain", str(tmp_path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1 and f"folder:{tmp_path}" in result.output


def test_pretrain_names_bad_data(tmp_path):
    result = run(["pretrain", "cifar", "--out", str(tmp_path)])
    assert result.exit_code == 1 and "folder:PATH" in result.output
