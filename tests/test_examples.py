"""The examples run as their users run them, each on one backend in turn."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import pytest

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


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


def on(backend):
    return pytest.mark.skipif(
        keras.backend.backend() != backend, reason=f"Runs on {backend}."
    )


@on("tensorflow")
def test_classifier(tmp_path):
    printed = run("classifier.py", tmp_path)
    assert 0.05 < float(printed.split("test accuracy ")[-1].split()[0]) <= 1
    assert (tmp_path / "classifier.keras").exists()


@on("jax")
def test_msa_and_mra(tmp_path):
    printed = run("msa_and_mra.py", tmp_path)
    assert 0.05 < float(printed.split("test accuracy ")[-1].split()[0]) <= 1


@on("torch")
def test_linear_probe(tmp_path):
    printed = run("linear_probe.py", tmp_path, "--patch-size=2", "--out=results")
    assert (tmp_path / "results" / "msa_vs_mae.md").read_text() in printed
    results = json.loads((tmp_path / "results" / "msa_vs_mae.json").read_text())
    assert "--quick" in results["command"]
    for name in ("random encoder", "MAE", "MSA"):
        (found,) = results["runs"][name]
        assert {"linear probe, both", "kNN, k = 20", "5-way 1-shot"} <= set(
            found["clean"]
        )
        assert {"shift", "flip", "cutout"} <= set(found["changed"])
        assert 0.1 < found["clean"]["linear probe, both"] <= 1
    # A second run finds what the first has done.
    assert "seed 0, in" not in run(
        "linear_probe.py", tmp_path, "--patch-size=2", "--out=results"
    )
