"""Ctrl+C and SIGTERM end a command in one line, and errors do too."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers.commands import run
from PIL import Image

from keras_mra.models import presets
from keras_mra.pretrain import checkpoint
from keras_mra_cli import saved_training
from keras_mra_cli.plain_errors import plain_errors

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows has no SIGTERM handlers."
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for i in range(8):
        pixels = np.random.default_rng(i).integers(0, 256, (8, 8, 3), "uint8")
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


def start(*arguments, python=()):
    return subprocess.Popen(
        [sys.executable, *python, "-m", "keras_mra_cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[2])},
    )


def pretraining(photos, out, *options):
    small = "--preset mae_nano --image-size 8 --patch-size 2 --epochs 100000"
    return start("pretrain", f"folder:{photos}", "--out", out, *small.split(), *options)


def end_of(process, number):
    """The exit status, and the lines of the standard error about the interruption."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors
    words = ("Interrupted.", "Terminated.")
    return process.returncode, [x for x in errors.splitlines() if x.startswith(words)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_during_the_imports(photos, tmp_path, number):
    process = pretraining(photos, tmp_path / "out")
    time.sleep(2)  # The command line is there, and the backend is being imported.
    status, lines = end_of(process, number)
    assert status == 128 + number
    word = {signal.SIGINT: "Interrupted", signal.SIGTERM: "Terminated"}[number]
    assert lines == [
        f"{word}. Nothing is saved. With --checkpoint FOLDER, the same command goes on "
        "from the last whole epoch."
    ]


@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_from_the_first_import_on(number):
    for pause in (0, 0.05, 0.15, 0.3):
        process = start("info", "mae_nano_photos", python=["-X", "importtime"])
        # What `main` imports first.
        assert any(line.endswith(" enum\n") for line in process.stderr)
        time.sleep(pause)
        status, lines = end_of(process, number)
        assert status == 128 + number and len(lines) == 1, (pause, lines)


AT_THE_END = """
import os, signal
from keras_mra_cli import interruption
from keras_mra_cli.plain_errors import plain_errors
interruption.listen()
with plain_errors(lambda: "All is saved."):
    if SWALLOWED:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            pass
os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.mark.once
@pytest.mark.parametrize(
    "swallowed, sentence",
    [(True, "All is saved."), (False, "The command had ended already.")],
)
def test_at_the_end(swallowed, sentence):
    script = AT_THE_END.replace("SWALLOWED", str(swallowed))
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[2])},
    )
    assert result.returncode == 143
    assert result.stderr.splitlines()[-1] == f"Terminated. {sentence}"
    assert "Traceback" not in result.stderr


SWALLOWS = """
import time
from keras_mra_cli import interruption
from keras_mra_cli.plain_errors import plain_errors
interruption.listen()
with plain_errors(lambda: "All is saved."):
    print("ready", flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass  # as callbacks of C++ do
    time.sleep(60)
"""


@pytest.mark.once
@pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="Windows has no alarm signal."
)
def test_an_interruption_that_is_swallowed_comes_again():
    process = subprocess.Popen(
        [sys.executable, "-c", SWALLOWS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[2])},
    )
    assert process.stdout.readline() == "ready\n"
    started = time.monotonic()
    assert end_of(process, signal.SIGINT) == (130, ["Interrupted. All is saved."])
    assert time.monotonic() - started < 50


def test_during_a_training_with_a_checkpoint(photos, tmp_path):
    folder = tmp_path / "state"
    process = pretraining(photos, tmp_path / "out", "--checkpoint", folder)
    until = time.monotonic() + 240
    while not (folder / checkpoint.STATE).exists() and time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    status, lines = end_of(process, signal.SIGTERM)
    assert status == 143
    assert lines == [
        f"Terminated. The last whole epoch is saved in {folder}. Run the same command "
        "again to go on from there."
    ]
    left = {path.name for path in folder.iterdir()}
    assert checkpoint.STATE in left
    assert left <= {checkpoint.STATE, checkpoint.PREVIOUS}  # Nothing unfinished.


@pytest.mark.once
def test_what_is_saved_of_a_training(tmp_path):
    assert saved_training.STATE == checkpoint.STATE
    assert saved_training.PRESET == presets.CONFIG

    def words(folder):
        data, out = "folder:my photos", tmp_path / "out"
        return saved_training.saved_training(data, out, folder, 1.0)

    assert words(None).startswith("Nothing is saved. With --checkpoint")
    assert words(tmp_path).startswith("No epoch is saved in")
    (tmp_path / checkpoint.STATE).touch()
    assert words(tmp_path).startswith("The last whole epoch is saved in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / presets.CONFIG).touch()
    assert words(tmp_path).startswith("The trained preset is saved in")
    command = f"keras-mra inspect {tmp_path / 'out'} 'folder:my photos'"
    assert words(tmp_path).endswith(command)
    os.utime(tmp_path / "out" / presets.CONFIG, (0, 0))  # of an earlier run
    assert words(tmp_path).startswith("The last whole epoch is saved in")


@pytest.mark.once
def test_unforeseen_errors_are_one_line(capsys, monkeypatch):
    import typer

    with pytest.raises(typer.Exit) as end, plain_errors():
        raise RuntimeError("two\n lines")
    assert end.value.exit_code == 1
    line = "Error: RuntimeError: two lines (KERAS_MRA_TRACEBACK=1 shows where)\n"
    assert capsys.readouterr().err == line
    monkeypatch.setenv("KERAS_MRA_TRACEBACK", "1")
    with pytest.raises(RuntimeError), plain_errors():
        raise RuntimeError


@pytest.mark.parametrize(
    "options, message",
    [
        ("--crop-scale 0", "`crop_scale` must be a pair of positive numbers"),
        ("--seed -1", "`seed` must be an integer from 0 to 2**64 - 1"),
        ("--seed 18446744073709551616", "`seed` must be an integer from 0"),
        ("--dtype float31", "`dtype` must be a float dtype"),
        (f"--checkpoint {'n' * 256}", "`checkpoint` must be the path of a folder"),
        (f"--preset {'n' * 256}", "`preset` must be the path of a"),
        ("--tensorboard /dev/null/x", "`tensorboard` must be the path of a folder"),
        ("--probe-every 0", "`probe_every` must be a positive integer"),
    ],
)
def test_bad_options_are_one_line(photos, tmp_path, options, message):
    result = run(
        ["pretrain", f"folder:{photos}", "--out", str(tmp_path), *options.split()]
    )
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: " + message) and "Received:" in line


@pytest.mark.parametrize("name", ["folder:~no-such-user/x", "folder:" + "n" * 256])
def test_bad_names_of_data_are_one_line(tmp_path, name):
    result = run(["pretrain", name, "--out", str(tmp_path)])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: `folder:PATH` must be the path of a folder")
