"""Runs an example as its users do, in a process of its own."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


def run(name, folder, *arguments):
    """Runs an example on the digits, in `folder`; returns what it printed."""
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
    """Runs an example and checks its report.

    Returns:
        The record that it wrote as JSON.
    """
    printed = run(f"{name}.py", folder, *arguments)
    text = (folder / "results" / f"{name}.md").read_text()
    assert text.strip() in printed
    record = json.loads((folder / "results" / f"{name}.json").read_text())
    assert f"examples/{name}.py --data digits --quick" in record["command"]
    assert record["machine"]["packages"]["keras"] == keras.__version__
    assert record["seeds"] == [0] and record["title"] in text
    pictures = list((folder / "results").glob(f"{name}*.png"))
    assert pictures and all(picture.name in text for picture in pictures)
    return record


def on(backend):
    return pytest.mark.skipif(
        keras.backend.backend() != backend, reason=f"Runs on {backend}."
    )
