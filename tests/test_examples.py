"""The examples run as their users run them."""

import os
import pathlib
import subprocess
import sys

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def test_classifier(tmp_path):
    pytest_env = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    result = subprocess.run(
        [sys.executable, EXAMPLES / "classifier.py", "--data", "digits", "--quick"],
        cwd=tmp_path,
        env=pytest_env,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    accuracy = float(result.stdout.split("test accuracy ")[-1].split()[0])
    assert 0.05 < accuracy <= 1
    assert (tmp_path / "classifier.keras").exists()
