"""The benchmark of an accelerator, on a CPU."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.once

FOLDER = pathlib.Path(__file__).parents[2] / "benchmarks"


def test_it_runs_on_a_cpu(tmp_path):
    out = tmp_path / "results.json"
    command = [sys.executable, str(FOLDER / "accelerator.py"), "--tiny", "--rounds=1"]
    command += ["--steps=1", "--skip-compile", "--backends", "torch", "--out", str(out)]
    subprocess.run(command, check=True, timeout=300, env=dict(os.environ))
    results = json.loads(out.read_text())
    assert set(results["devices"]) == {"torch", "huggingface"}
    assert [row["dtype"] for row in results["steps"]] == ["mixed_bfloat16", "float32"]
    for comparison in results["steps"]:
        rows = comparison["contenders"]
        assert set(rows) == {"torch MAE", "torch MSA", "huggingface eager"}
        assert all(0 < row["mfu"] < 1 for row in rows.values())
    (classifier,) = results["classifier"]
    assert all(
        row["images_per_second"] > 0 for row in classifier["contenders"].values()
    )
    assert not results["left_out"]


@pytest.fixture
def accelerator(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import accelerator

    return accelerator


def test_operations_are_those_that_pytorch_counts(accelerator):
    from torch.utils.flop_counter import FlopCounterMode

    side, patch = accelerator.geometry(tiny=True)
    images = np.zeros((4, side, side, 3), "float32")
    sizes = accelerator.SIZES["nano"]
    step = accelerator.hugging_face_step(
        images, patch, sizes["encoder"], sizes["decoder"], compiled=False
    )
    counter = FlopCounterMode(display=False)
    with counter:
        step()
    expected = 4 * accelerator.step_flops("nano", "MAE", tiny=True)
    # The images need no gradient.
    np.testing.assert_allclose(counter.get_total_flops(), expected, rtol=0.1)


def test_an_error_of_a_contender_is_reported(accelerator):
    contenders = accelerator.Contenders("huggingface", tiny=True)
    answer = contenders("eager", 1, size="nano", dtype="float32", batch=-1)
    assert answer["error"].startswith("ValueError: ")


def test_no_comparison_starts_after_the_minutes(accelerator, monkeypatch, capsys):
    class Worker:
        def __init__(self, *args):
            pass

        def ask(self, **request):
            assert request == {"name": "device"}

        def close(self):
            pass

    monkeypatch.setattr(accelerator.interleaved, "Worker", Worker)
    monkeypatch.setattr(sys, "argv", ["accelerator.py", "--minutes", "0"])
    accelerator.main()
    assert "since 0 minutes are over: {'size': 'mini'" in capsys.readouterr().out
