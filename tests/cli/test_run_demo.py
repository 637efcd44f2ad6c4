"""The demonstration: a gallery, and a comparison on the digits."""

import json

import keras
import pytest

import keras_mra
from keras_mra_cli import run_demo as demo


@pytest.mark.once
def test_falls_back_to_digits(monkeypatch, capsys):
    def unavailable(name):
        raise keras_mra.datasets.DatasetUnavailable("nowhere")

    monkeypatch.setattr(demo.datasets, "load", unavailable)
    assert demo.available("fashion_mnist") == "digits"
    said = capsys.readouterr().out
    assert "8x8 digits" in said


@pytest.mark.usefixtures("quick_compilation")
def test_demo_draws_a_gallery_and_compares(tmp_path):
    found = demo.run_demo(tmp_path, data="digits", quick=True)
    assert (tmp_path / "gallery.png").read_bytes()[1:4] == b"PNG"
    written = json.loads((tmp_path / "compare.json").read_text())
    assert written["verdict"] == found.verdict
    assert list(found.runs) == ["base", "MRA"]
    assert found.settings["labels_per_class"] == 10 and found.settings["seeds"] == 2
    assert found.plan["epochs"] == 2
    assert found.machine["backend"] == keras.backend.backend()
