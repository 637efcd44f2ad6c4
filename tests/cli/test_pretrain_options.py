"""The options of `keras-mra pretrain`: names, defaults, help and bad values."""

import inspect
import pathlib
import re

import pytest
from helpers.commands import run

import keras_mra
from keras_mra_cli.pretrain_defaults import DEFAULTS
from keras_mra_cli.pretrain_options import OPTIONS

pytestmark = pytest.mark.once
FUNCTIONS = {"mae": keras_mra.pretrain_mae, "msa": keras_mra.pretrain_msa}
# What the command passes of its own accord, where its output is no terminal.
OWN_DEFAULTS = {"distribution": "auto", "held_out": 64, "verbose": 2}


@pytest.fixture
def calls(monkeypatch):
    """What `pretrain` passes to the functions, which do nothing but keep it."""
    calls = []

    def recorded(method):
        def record(data, callbacks, **arguments):
            (callback,) = callbacks  # No option is behind it.
            assert type(callback).__name__ == "EndsBetweenSteps"
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
    "--image-library pillow": dict(image_library="pillow"),
    "--steps-per-execution 8": dict(steps_per_execution=8),
    "--max-megapixels 200": dict(max_megapixels=200.0),
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


@pytest.mark.parametrize("mode, channels", [("RGB", 3), ("L", 1)])
def test_the_images_have_the_colours_of_the_files(calls, tmp_path, mode, channels):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "in").mkdir()
    image.new(mode, (8, 8)).save(tmp_path / "in" / "a.png")
    command = ["pretrain", f"folder:{tmp_path / 'in'}", "--out", str(tmp_path / "out")]
    run([*command, "--image-size", "32"])
    assert calls[0][2]["image_shape"] == (32, 32, channels)


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
