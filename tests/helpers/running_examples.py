"""Runs an example on the digits, as its users do, but in the tests' process."""

import contextlib
import io
import json
import os
import pathlib
import runpy
import subprocess
import sys

import keras
import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


def run(name, folder, *arguments):
    """Runs an example in `folder`.

    Args:
        name: Path of the example inside `examples/`.
        folder: The working directory.
        *arguments: Further arguments of its command line.

    Returns:
        The names that the example defines, as a dict, and what it printed.
    """
    argv, printed = sys.argv, io.StringIO()
    sys.argv = [str(EXAMPLES / name), "--data", "digits", "--quick", *arguments]
    try:
        with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
            names = runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        sys.argv = argv
    return names, printed.getvalue()


def run_alone(name, folder, *arguments):
    """Runs an example in a process of its own; returns what it printed."""
    result = subprocess.run(
        [sys.executable, EXAMPLES / name, "--data", "digits", "--quick", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


def report(name, folder, *arguments):
    """Runs an experiment and checks the report that it wrote.

    Returns:
        The record that it wrote as JSON.
    """
    _, printed = run(f"papers/{name}.py", folder, *arguments)
    text = (folder / "results" / f"{name}.md").read_text()
    assert text.strip() in printed
    record = json.loads((folder / "results" / f"{name}.json").read_text())
    command = f"python examples/papers/{name}.py --data digits --quick"
    assert command in record["command"]
    assert record["machine"]["packages"]["keras"] == keras.__version__
    assert record["seeds"] == [0] and record["title"] in text
    pictures = list((folder / "results").glob(f"{name}*.png"))
    assert pictures and all(picture.name in text for picture in pictures)
    return record


def on(backend):
    return pytest.mark.skipif(
        keras.backend.backend() != backend, reason=f"Runs on {backend}."
    )
