"""The commands: their arguments, their files, their exit status."""

import re
import sys

import numpy as np
import pytest

import keras_mra

pytest.importorskip("typer")
from typer.testing import CliRunner  # noqa: E402

from keras_mra.cli import app  # noqa: E402

run = CliRunner().invoke
pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset")
    keras_mra.MAE(
        (8, 8, 3),
        4,
        encoder_dim=16,
        encoder_depth=1,
        encoder_heads=2,
        decoder_dim=16,
        decoder_depth=1,
        decoder_heads=2,
    ).save_to_preset(folder)
    return str(folder)


def test_help_names_every_command():
    out = run(app, ["--help"]).output
    assert all(
        name in out for name in ("demo", "pretrain", "augment", "convert", "info")
    )


def test_pretrain_writes_a_preset_with_a_card(tmp_path, preset, monkeypatch):
    command = ["pretrain", "digits", "--preset", preset, "--epochs", "1"]
    command += ["--image-size", "8x8x1", "--batch-size", "700", "--out", str(tmp_path)]
    command += ["--patch-size", "2"]
    monkeypatch.setattr(sys, "argv", ["keras-mra", *command])
    # Weights for other images cannot go on: said in one line, with the status 1.
    result = run(app, command)
    assert result.exit_code == 1 and "could not be loaded" in result.output
    command[3] = "mae_nano"
    result = run(app, command)
    assert result.exit_code == 0, result.output
    mae = keras_mra.MAE.from_preset(str(tmp_path))
    assert mae.image_shape == (8, 8, 1) and mae.patch_size == (2, 2)
    card = (tmp_path / "README.md").read_text()
    assert "keras-mra pretrain digits" in card and "| 1 |" in card


def test_pretrain_msa_writes_its_student(tmp_path):
    command = ["pretrain", "digits", "--method", "msa", "--preset", "mae_nano"]
    command += ["--epochs", "1", "--batch-size", "700", "--out", str(tmp_path)]
    command += ["--patch-size", "4"]
    result = run(app, command)
    assert result.exit_code == 0, result.output
    assert keras_mra.MAE.from_preset(str(tmp_path)).image_shape == (8, 8, 1)
    assert "| 1 |" in (tmp_path / "README.md").read_text()
    result = run(app, [*command, "--crop-scale", "0.5"])
    assert result.exit_code == 2 and "--method mae" in result.output
    command[3] = "dino"
    result = run(app, command)
    assert result.exit_code == 2 and "mae or msa" in result.output


def test_pretrain_names_bad_input(tmp_path):
    result = run(app, ["pretrain", "cifar", "--out", str(tmp_path)])
    assert result.exit_code == 1 and "folder:PATH" in result.output
    result = run(
        app, ["pretrain", "digits", "--out", str(tmp_path), "--image-size", "big"]
    )
    assert result.exit_code == 2 and "--image-size" in result.output


def test_augment_lists_broken_files_and_exits_with_2(tmp_path, preset):
    image = pytest.importorskip("PIL.Image")
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "cats").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3)).astype("uint8")
    image.fromarray(pixels).save(source / "cats" / "a.png")
    command = ["augment", str(source), str(target), "--copies", "2", "--preset", preset]
    result = run(app, command)
    assert result.exit_code == 0 and "2 written" in result.output
    assert len(list((target / "cats").iterdir())) == 2
    (source / "broken.jpg").write_bytes(b"no image")
    result = run(app, command)
    assert result.exit_code == 2
    assert "2 there already" in result.output and "broken.jpg" in result.output


def test_augment_needs_weights(tmp_path):
    (tmp_path / "in").mkdir()
    result = run(
        app, ["augment", str(tmp_path / "in"), str(tmp_path), "--preset", "mae_nano"]
    )
    assert result.exit_code == 1 and "without weights" in result.output


def test_convert_takes_a_preset_out_and_in_again(tmp_path, preset):
    pytest.importorskip("safetensors")
    out, back = str(tmp_path / "out"), str(tmp_path / "back")
    result = run(app, ["convert", preset, out])
    assert result.exit_code == 0, result.output
    assert "for transformers" in result.output
    result = run(app, ["convert", out, back])
    assert result.exit_code == 0 and "MAE.from_preset" in result.output
    a, b = (keras_mra.MAE.from_preset(folder) for folder in (preset, back))
    for v, w in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)
    result = run(app, ["convert", preset, out, "--to", "onnx"])
    assert result.exit_code == 2 and "preset or transformers" in result.output
    result = run(app, ["convert", "mae_nano", out])
    assert result.exit_code == 1 and "architecture" in result.output
    result = run(app, ["convert", "hf://nobody", out])
    assert result.exit_code == 1 and "hf://OWNER/NAME" in result.output


def test_info_says_what_a_preset_is(preset):
    result = run(app, ["info", "mae_nano_fashion_mnist"])
    assert result.exit_code == 0, result.output
    for part in ("60,000 training images", "96x4", "556,688", "(0.0, 255.0)", "Apache"):
        assert part in result.output
    assert re.search(r"training data +fashion_mnist\n", result.output)
    assert "not told" in run(app, ["info", preset]).output
    assert "No weights" in run(app, ["info", "mae_base"]).output
    result = run(app, ["info", "nothing"])
    assert result.exit_code == 1 and "nothing" in result.output
