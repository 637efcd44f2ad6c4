"""The commands: their options, their files, their exit status."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import warnings

import numpy as np
import pytest
from helpers.commands import run

import keras_mra

pytestmark = pytest.mark.once


def test_help_names_every_command():
    out = run(["--help"]).output
    assert all(
        name in out
        for name in (
            "demo",
            "compare",
            "pretrain",
            "inspect",
            "augment",
            "embed",
            "convert",
            "info",
            "app",
        )
    )


def test_version():
    result = run(["--version"])
    assert result.exit_code == 0
    assert result.output == f"keras_mra {keras_mra.__version__}\n"


def test_the_package_of_the_commands_runs_as_a_module():
    """As `torchrun` starts it."""
    result = subprocess.run(
        [sys.executable, "-m", "keras_mra_cli", "--version"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"keras_mra {keras_mra.__version__}\n"


# --- streams -------------------------------------------------------------------------


def run_process(command, **settings):
    return subprocess.run(
        [sys.executable, "-m", "keras_mra_cli", *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **settings},
        capture_output=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="On Windows, names are always text.")
def test_an_output_whose_name_is_no_text(preset, tmp_path):
    target = os.path.join(os.fsencode(tmp_path), b"new\xff")
    command = ["convert", preset, target, "--to", "preset"]
    result = run_process(command, PYTHONIOENCODING="utf-8:strict")
    assert result.returncode == 0, result.stderr
    assert rb"new\udcff, for MAE.from_preset" in result.stdout
    assert set(os.listdir(target)) == set(os.listdir(os.fsencode(preset)))


@pytest.mark.skipif(os.name == "nt", reason="`>&-` needs a POSIX shell.")
def test_a_standard_output_that_is_closed():
    words = f"{shlex.quote(sys.executable)} -m keras_mra_cli"
    result = subprocess.run(
        f"{words} --version >&-; {words} nonsense >&- 2>&- <&-; echo $?",
        shell=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert (result.stdout, result.stderr) == ("2\n", "")


# --- silence -------------------------------------------------------------------------


def test_quiet_leaves_errors_and_warnings(monkeypatch, tmp_path):
    def pretrain(data, **arguments):
        print("progress")
        warnings.warn("a warning", stacklevel=2)
        raise ValueError("an error")

    monkeypatch.setattr(keras_mra, "pretrain_mae", pretrain)
    command = ["pretrain", "digits", "--out", str(tmp_path)]
    with pytest.warns(UserWarning, match="a warning"):
        result = run(command)
    assert (result.stdout, result.stderr) == ("progress\n", "Error: an error\n")
    for quiet in (["--quiet", *command], [*command, "--quiet"]):
        with pytest.warns(UserWarning, match="a warning"):
            result = run(quiet)
        assert result.exit_code == 1 and result.output == "Error: an error\n"
    with pytest.warns(UserWarning, match="a warning"):
        assert run(command).stdout == "progress\n"  # It is back.


def test_quiet_commands_do_their_work_in_silence(tmp_path, preset):
    image = pytest.importorskip("PIL.Image")
    photos, copies = tmp_path / "photos", tmp_path / "copies"
    photos.mkdir()
    picture = keras_mra.datasets.sample_photographs()[0]
    image.fromarray(picture).save(photos / "a.png")
    command = ["augment", str(photos), str(copies), "--preset", preset]
    result = run(["--quiet", *command])
    assert result.exit_code == 0 and result.output == ""
    assert any(copies.iterdir())


def test_quiet_info_prints_the_facts():
    command = ["info", "mae_nano_fashion_mnist"]
    assert "556,688" in run(["--quiet", *command]).output


# --- demo and compare: what they pass on ---------------------------------------------


class Said:
    def __str__(self):
        return "what was found"


def test_demo_passes_its_options_on(monkeypatch):
    from keras_mra_cli import run_demo as demo

    ran = []
    monkeypatch.setattr(demo, "run_demo", lambda *of: ran.append(of) or Said())
    result = run(["demo", "--quick", "--data", "digits", "--out", "there"])
    assert result.exit_code == 0 and "what was found" in result.output
    assert ran == [(pathlib.Path("there"), "digits", True)]
    assert run(["demo", "--data", "cifar10"]).exit_code == 2


def test_compare_passes_its_options_on(monkeypatch):
    ran = {}

    def compare(data, preset, **settings):
        ran.update(settings, data=data, preset=preset)
        return Said()

    monkeypatch.setattr(keras_mra, "compare", compare)
    words = "compare digits --arms MRA,CutMix+MRA --minutes 2 --labels-per-class 5"
    result = run(words.split())
    assert result.exit_code == 0 and "what was found" in result.output
    assert ran["data"] == "digits" and ran["preset"] is None
    assert ran["arms"] == ["MRA", "CutMix+MRA"] and ran["minutes"] == 2
    assert ran["labels_per_class"] == 5 and ran["epochs"] is None


def test_compare_refuses_data_without_labels_in_one_line(tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "data").mkdir()
    image.new("RGB", (8, 8)).save(tmp_path / "data" / "a.png")
    command = ["compare", f"folder:{tmp_path}/data", "--out", str(tmp_path / "out")]
    result = run(command)
    assert result.exit_code == 1 and not (tmp_path / "out").exists()
    assert result.output.strip().splitlines()[-1].startswith("Error: `data` must have")


# --- the other commands --------------------------------------------------------------


def test_embed_writes_a_file_lists_broken_files_and_exits_with_2(tmp_path, preset):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("pyarrow")
    source, out = tmp_path / "in", tmp_path / "out.parquet"
    (source / "cats").mkdir(parents=True)
    image.new("RGB", (9, 11), "red").save(source / "cats" / "a.png")
    command = ["embed", str(source), str(out), "--preset", preset, "--pool", "cls"]
    result = run(command)
    assert result.exit_code == 0 and "1 images in" in result.output
    features, labels = keras_mra.evaluation.read_features(out)
    assert features.shape == (1, 16) and list(labels) == [0]
    (source / "cats" / "b.png").write_bytes(b"no image")
    result = run(command)
    assert result.exit_code == 2 and "failed: " in result.output
    assert "b.png" in result.output and "1 failed" in result.output
    result = run([*command, "--engine", "spark"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: `engine` must be one of")


def test_augment_lists_broken_files_and_exits_with_2(tmp_path, preset):
    image = pytest.importorskip("PIL.Image")
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "cats").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3)).astype("uint8")
    image.fromarray(pixels).save(source / "cats" / "a.png")
    command = ["augment", str(source), str(target), "--copies", "2", "--preset", preset]
    result = run(command)
    assert result.exit_code == 0 and "2 written" in result.output
    assert len(list((target / "cats").iterdir())) == 2
    result = run([*command, "--mask-ratio", "0.5"])
    assert result.exit_code == 1 and "mask_ratio=0.4 there" in result.output
    assert "0 written" not in result.output
    (source / "broken.jpg").write_bytes(b"no image")
    result = run(command)
    assert result.exit_code == 2
    assert "2 there already" in result.output and "broken.jpg" in result.output


def test_augment_makes_a_training_set(tmp_path, preset):
    image = pytest.importorskip("PIL.Image")
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 9, 11, 3)).astype("uint8")
    frames = [image.fromarray(frame) for frame in pixels]
    frames[0].save(source / "a.jpg")
    frames[0].save(source / "b.gif", save_all=True, append_images=frames[1:])
    command = ["augment", str(source), str(target), "--preset", preset]
    command += ["--format", "same", "--quality", "70", "--include-originals"]
    result = run(command)
    assert result.exit_code == 0, result.output
    assert "2 written, 0 there already, 2 originals, 0 failed" in result.output
    assert "b.gif: only its first frame is used" in result.output
    names = ["a.jpg", "a.jpg.mra1.jpg", "b.gif", "b.gif.mra1.png"]
    found = sorted(path.name for path in target.iterdir())
    assert found == sorted([*names, "augment_settings.json"])


def test_augment_needs_weights(tmp_path):
    (tmp_path / "in").mkdir()
    result = run(
        ["augment", str(tmp_path / "in"), str(tmp_path), "--preset", "mae_nano"]
    )
    assert result.exit_code == 1 and "without weights" in result.output


def test_convert_takes_an_encoder_with_learned_positions(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    shapes = {"cls_token": (1, 1, 8), "pos_embed": (1, 5, 8)}  # timm's names
    layers = {"patch_embed.proj": (8, 3, 4, 4), "norm": (8,)} | {
        f"blocks.0.{name}": shape
        for name, shape in (
            ("norm1", (8,)), ("attn.qkv", (24, 8)), ("attn.proj", (8, 8)),
            ("norm2", (8,)), ("mlp.fc1", (32, 8)), ("mlp.fc2", (8, 32)),
        )
    }  # fmt: skip
    for name, shape in layers.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    rng = np.random.default_rng(0)
    tensors = {k: rng.normal(size=s).astype("float32") for k, s in shapes.items()}
    safetensors.save_file(tensors, tmp_path / "vit.safetensors")
    paths = [str(tmp_path / "vit.safetensors"), str(tmp_path / "mine")]
    command = ["convert", *paths, "--encoder-heads", "2"]
    result = run(command)
    assert result.exit_code == 1 and "positions='learned'" in result.output
    result = run([*command, "--positions", "learned"])
    assert result.exit_code == 0, result.output
    loaded = keras_mra.MAE.from_preset(tmp_path / "mine")
    assert loaded.positions == "learned" and loaded.decoder is None


def test_convert_takes_a_preset_out_and_in_again(tmp_path, preset):
    pytest.importorskip("safetensors")
    out, back = str(tmp_path / "out"), str(tmp_path / "back")
    result = run(["convert", preset, out])
    assert result.exit_code == 0, result.output
    assert "for transformers" in result.output
    result = run(["convert", out, back])
    assert result.exit_code == 0 and "MAE.from_preset" in result.output
    a, b = (keras_mra.MAE.from_preset(folder) for folder in (preset, back))
    for v, w in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)
    result = run(["convert", preset, out, "--to", "onnx"])
    assert result.exit_code == 2 and "preset or transformers" in result.output
    result = run(["convert", "mae_nano", out])
    assert result.exit_code == 1 and "architecture" in result.output
    result = run(["convert", "hf://nobody", out])
    assert result.exit_code == 1 and "hf://OWNER/NAME" in result.output


def test_info_says_what_a_preset_is(preset):
    result = run(["info", "mae_nano_fashion_mnist"])
    assert result.exit_code == 0, result.output
    for part in ("60,000 training images", "96x4", "556,688", "(0.0, 255.0)", "Apache"):
        assert part in result.output
    assert re.search(r"training data +fashion_mnist\n", result.output)
    assert "not told" in run(["info", preset]).output
    assert "No weights" in run(["info", "mae_base"]).output
    result = run(["info", "nothing"])
    assert result.exit_code == 1 and "nothing" in result.output
