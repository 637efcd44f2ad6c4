"""The commands: their options, their files, their exit status."""

import inspect
import os
import pathlib
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize

import keras_mra

pytest.importorskip("typer")
from typer.testing import CliRunner  # noqa: E402

from keras_mra_cli import app  # noqa: E402
from keras_mra_cli.pretrain_defaults import DEFAULTS  # noqa: E402
from keras_mra_cli.pretrain_options import OPTIONS  # noqa: E402

pytestmark = pytest.mark.once
FUNCTIONS = {"mae": keras_mra.pretrain_mae, "msa": keras_mra.pretrain_msa}
# What the command passes of its own accord, where its output is no terminal.
OWN_DEFAULTS = {"distribution": "auto", "held_out": 64, "verbose": 2}


def run(command):
    """Runs a command whose output is no terminal."""
    result = CliRunner().invoke(app, command)
    # Lines that any file can hold.
    assert not re.search(r"[\x1b\b\r─│╭╰]", result.output), result.output
    return result


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset")
    randomize(keras_mra.MAE((8, 8, 3), 4, **TINY)).save_to_preset(folder)
    return str(folder)


def test_help_names_every_command():
    out = run(["--help"]).output
    assert all(
        name in out
        for name in ("demo", "pretrain", "inspect", "augment", "convert", "info", "app")
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


# --- pretrain: its options -----------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """What `pretrain` passes to the functions, which do nothing but keep it."""
    calls = []

    def recorded(method):
        def record(data, **arguments):
            calls.append((method, data, arguments))
            raise ValueError("This ends the command.")

        return record

    for method in FUNCTIONS:
        monkeypatch.setattr(keras_mra, f"pretrain_{method}", recorded(method))
    return calls


def arguments_of(function):
    """The arguments that a command line can give: none of them is an object."""
    parameters = inspect.signature(function).parameters
    return set(parameters) - {"ds", "callbacks", "mae_arguments"}


def test_every_argument_has_an_option():
    for method, function in FUNCTIONS.items():
        reached = {o.name for o in OPTIONS if o.method in (None, method)}
        assert arguments_of(function) <= reached
        # The others are arguments of the model.
        rest = reached - arguments_of(function)
        assert rest == {
            "mask_ratio", "norm_pix_loss", "value_range", "mean", "std", "dtype",
        }  # fmt: skip
    both = arguments_of(FUNCTIONS["mae"]) & arguments_of(FUNCTIONS["msa"])
    assert not {o.name for o in OPTIONS if o.method is not None} & both


@pytest.mark.parametrize("method", FUNCTIONS)
def test_the_defaults_are_those_of_the_functions(calls, tmp_path, method):
    run(["pretrain", "digits", "--out", str(tmp_path), "--method", method])
    assert calls == [(method, "digits", OWN_DEFAULTS)]


def help_of(flag):
    """What the help of `pretrain` says of an option, in one line."""
    out = run(["pretrain", "--help"]).output
    text = out.partition(f"\n  {flag} ")[2]
    return " ".join(re.split("\n\n|\n  --", text)[0].split())


@pytest.mark.parametrize(
    "flag, default",
    [
        ("--method", "mae"), ("--preset", "mae_mini"), ("--effort", "good"),
        ("--weight-decay", "0.05"), ("--seed", "0"), ("--view", "auto"),
        ("--views", "auto,auto"), ("--crop-scale", "0.2,1.0"), ("--pool", "cls+mean"),
    ],
)  # fmt: skip
def test_the_help_shows_the_defaults(flag, default):
    assert f"[default: {default}]" in help_of(flag)


def test_the_defaults_of_the_help_are_those_of_the_functions():
    """The help has a table, because the signatures cannot be read without a backend."""
    for method, function in FUNCTIONS.items():
        parameters = inspect.signature(function).parameters
        for option in OPTIONS:
            if option.name in parameters:
                default = parameters[option.name].default
                assert DEFAULTS.get(option.name) == default, (method, option.name)
    assert set(DEFAULTS) <= {option.name for option in OPTIONS}
    assert "default: " not in help_of("--batch-size")


def test_the_help_sets_options_of_one_method_apart():
    out = run(["pretrain", "--help"]).output
    _, common, mae, msa = re.split("\n(?:Options|Only with --method m..):\n", out)
    for option in OPTIONS:
        expected = {None: common, "mae": mae, "msa": msa}[option.method]
        assert [f"{option.flag} " in part for part in (common, mae, msa)] == [
            part is expected for part in (common, mae, msa)
        ], option.flag
    assert "--out" in common and "--help" in common


def test_a_terminal_has_a_bar(calls, tmp_path, monkeypatch):
    # The runner has a file as standard output.
    monkeypatch.setattr("keras_mra_cli.pretrain_command.sys", Terminal())
    run(["pretrain", "digits", "--out", str(tmp_path)])
    run(["pretrain", "digits", "--out", str(tmp_path), "--verbose", "auto"])
    assert [call[2].get("verbose", "auto") for call in calls] == ["auto", "auto"]


class Terminal:
    """Stands in for `sys`."""

    argv = ["keras-mra"]

    class stdout:
        isatty = staticmethod(lambda: True)


COMMON = {
    "--preset my_mae": dict(preset="my_mae"),
    "--image-size 32": dict(image_shape=(32, 32, 1)),
    "--image-size 32x48": dict(image_shape=(32, 48, 1)),
    "--image-size 32x48x3": dict(image_shape=(32, 48, 3)),
    "--patch-size 4": dict(patch_size=(4, 4)),
    "--patch-size 4x8": dict(patch_size=(4, 8)),
    "--epochs 7": dict(epochs=7),
    "--effort best": dict(effort="best"),
    "--attention-teacher mae_nano_photos": dict(attention_teacher="mae_nano_photos"),
    "--attention-weight 0.5": dict(attention_weight=0.5),
    "--attention-share 0.5": dict(attention_share=0.5),
    "--held-out 7": dict(held_out=7),
    "--batch-size 7": dict(batch_size=7),
    "--steps-per-epoch 7": dict(steps_per_epoch=7),
    "--learning-rate 0.5": dict(learning_rate=0.5),
    "--warmup-epochs 1.5": dict(warmup_epochs=1.5),
    "--weight-decay 0.5": dict(weight_decay=0.5),
    "--mask-ratio 0.5": dict(mask_ratio=0.5),
    "--mask-ratio 0.4,0.75": dict(mask_ratio=(0.4, 0.75)),
    "--norm-pix-loss": dict(norm_pix_loss=True),
    "--no-norm-pix-loss": dict(norm_pix_loss=False),
    "--value-range -1,1": dict(value_range=(-1, 1)),
    "--mean 0.5,0.4,0.3": dict(mean=(0.5, 0.4, 0.3)),
    "--std 0.5": dict(std=(0.5,)),
    "--dtype bfloat16": dict(dtype="bfloat16"),
    "--crops-per-image 2": dict(crops_per_image=2),
    "--cache-side 64": dict(cache_side=64),
    "--distribution none": dict(distribution=None),
    "--distribution auto": dict(distribution="auto"),
    "--probe digits": dict(probe="digits"),
    "--probe-every 2": dict(probe_every=2),
    "--checkpoint run": dict(checkpoint=pathlib.Path("run")),
    "--tensorboard logs": dict(tensorboard=pathlib.Path("logs")),
    "--verbose 1": dict(verbose=1),
    "--verbose auto": dict(verbose=2),
    "--seed 7": dict(seed=7),
}
OWN = {
    "mae": {
        "--view none": dict(view=None),
        "--view auto": dict(view="auto"),
        "--crop-scale 0.5": dict(crop_scale=(0.5, 1.0)),
        "--crop-scale 0.5,0.9": dict(crop_scale=(0.5, 0.9)),
    },
    "msa": {
        "--views auto,none": dict(views=("auto", None)),
        "--contrast cosine": dict(contrast="cosine"),
        "--contrast-weight 0.1": dict(contrast_weight=0.1),
        "--temperature 0.1": dict(temperature=0.1),
        "--momentum 0.9": dict(momentum=0.9),
        "--pool cls": dict(pool="cls"),
        "--hidden-dim 64": dict(hidden_dim=64),
        "--projection-dim 32": dict(projection_dim=32),
    },
}


def test_every_option_is_tested_below():
    tested = [*COMMON, *OWN["mae"], *OWN["msa"]]
    assert {option.flag for option in OPTIONS} == {
        text.split()[0].replace("--no-", "--") for text in tested
    }


@pytest.mark.parametrize(
    "method, text, expected",
    [
        (method, text, expected)
        for method in FUNCTIONS
        for text, expected in {**COMMON, **OWN[method]}.items()
    ],
)
def test_an_option_reaches_its_argument(calls, tmp_path, method, text, expected):
    command = ["pretrain", "digits", "--out", str(tmp_path), "--method", method]
    run([*command, *text.split()])
    assert calls == [(method, "digits", {**OWN_DEFAULTS, **expected})]


def test_images_that_are_not_digits_have_colours(calls, tmp_path):
    command = ["pretrain", "folder:x", "--out", str(tmp_path), "--image-size", "32"]
    run(command)
    assert calls[0][2]["image_shape"] == (32, 32, 3)


@pytest.mark.parametrize(
    "method, text",
    [(a, text) for a, b in (("mae", "msa"), ("msa", "mae")) for text in OWN[b]],
)
def test_an_option_of_the_other_method_is_refused(calls, tmp_path, method, text):
    other = {"mae": "msa", "msa": "mae"}[method]
    command = ["pretrain", "digits", "--out", str(tmp_path), "--method", method]
    result = run([*command, *text.split()])
    assert result.exit_code == 2 and calls == []
    assert f"{text.split()[0]} is for --method {other} only" in result.output


@pytest.mark.parametrize(
    "text, expected",
    [
        ("--method dino", "mae or msa"),
        ("--image-size big", "SIDE or HxW or HxWxC. Received: 'big'"),
        ("--image-size 1x2x3x4", "--image-size must be SIDE"),
        ("--patch-size 2x2x2", "--patch-size must be SIDE or HxW. Received"),
        ("--view strong", "--view must be auto or none. Received: 'strong'"),
        ("--distribution two", "--distribution must be auto or none"),
        ("--method msa --views auto", "--views must be STUDENT,TEACHER"),
        ("--method msa --views auto,strong", "--views must be STUDENT,TEACHER"),
        ("--value-range wide", "--value-range must be LOW,HIGH"),
        ("--verbose much", "--verbose must be auto or 0 or 1 or 2"),
        ("--epochs many", "--epochs"),
    ],
)
def test_bad_options_are_named(calls, tmp_path, text, expected):
    result = run(["pretrain", "digits", "--out", str(tmp_path), *text.split()])
    assert result.exit_code == 2 and expected in result.output
    assert calls == []


# --- pretrain: its runs --------------------------------------------------------------


def test_pretrain_writes_a_preset_with_a_card(tmp_path, preset, monkeypatch):
    command = ["pretrain", "digits", "--preset", preset, "--epochs", "1"]
    command += ["--image-size", "8x8x1", "--batch-size", "700", "--out", str(tmp_path)]
    command += ["--patch-size", "2"]
    monkeypatch.setattr(sys, "argv", ["keras-mra", *command])
    # The weights are for other images: one line says so, with status 1.
    result = run(command)
    assert result.exit_code == 1 and "could not be loaded" in result.output
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
    assert second >= first >= 1


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
    with pytest.warns(UserWarning, match="a warning"):
        result = run(["--quiet", *command])
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


# --- demo: a quick run ---------------------------------------------------------------


@pytest.mark.parametrize(
    "words, expected",
    [
        ("", (40, 30, 3)),
        ("--quick", (10, 2, 2)),
        ("--quick --epochs 5", (10, 5, 2)),
        ("--seeds 1 --quick", (10, 2, 1)),
    ],
)
def test_quick_replaces_what_is_not_given(monkeypatch, words, expected):
    from keras_mra import demo

    ran = []
    monkeypatch.setattr(demo, "run_demo", ran.append)
    assert run(["demo", *words.split()]).exit_code == 0
    (settings,) = ran
    assert (settings.labels_per_class, settings.epochs, settings.seeds) == expected
    assert settings.quick == ("--quick" in words)


# --- the other commands --------------------------------------------------------------


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
