"""The demonstration's pieces, and the demonstration itself on the digits."""

import json

import keras
import numpy as np
import pytest

import keras_mra
from keras_mra import demo


@pytest.fixture(scope="module")
def digits():
    return keras_mra.datasets.load("digits")


@pytest.mark.once
def test_the_labelled_images_are_balanced_and_drawn_by_seed(digits):
    labels = digits.train[1]
    chosen = demo._labelled(labels, 5, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [5] * 10
    assert len(set(chosen.tolist())) == 50
    assert set(chosen) != set(demo._labelled(labels, 5, seed=1))


@pytest.mark.once
def test_borders_scale_with_the_image():
    assert demo._borders((28, 28, 1)) == [4, 6, 8]
    assert demo._borders((8, 8, 1)) == [1, 2]


@pytest.mark.once
def test_falls_back_to_digits_in_one_sentence(monkeypatch):
    from rich.console import Console

    load = keras_mra.datasets.load

    def unavailable(name):
        if name == "fashion_mnist":
            raise keras_mra.datasets.DatasetUnavailable("nowhere")
        return load(name)

    monkeypatch.setattr(demo.datasets, "load", unavailable)
    console = Console(record=True, width=200)
    assert demo._load("fashion_mnist", console).name == "digits"
    said = " ".join(console.export_text().split())
    assert "8x8 digits" in said and said.count(". ") == 0


@pytest.mark.usefixtures("quick_compilation")
def test_demo_writes_what_it_measured(digits, monkeypatch, tmp_path):
    small = dict(encoder_dim=16, encoder_heads=2, decoder_dim=16, encoder_depth=1)
    monkeypatch.setattr(
        demo,
        "pretrain_mae",
        lambda ds, **kw: keras_mra.pretrain_mae(
            ds[:128], **{**kw, **small, "epochs": 1}
        ),
    )
    settings = demo.Settings(
        out=str(tmp_path), data="digits", labels_per_class=5, epochs=2, seeds=1
    )
    results = demo.run_demo(settings)
    assert json.loads((tmp_path / "results.json").read_text()) == results
    for name in ("gallery", "digits"):
        assert (tmp_path / f"{name}.png").read_bytes()[1:4] == b"PNG"
    assert [run["arm"] for run in results["runs"]] == ["none", "MRA"]
    for run in results["runs"]:
        assert set(run["error"]) == {"clean", "border 1", "border 2"}
        assert all(0 <= e <= 1 for e in run["error"].values()) and run["seconds"] > 0
    assert results["settings"]["labels_per_class"] == 5
    assert results["machine"]["backend"] == keras.backend.backend()


def test_error_rate_is_the_share_of_wrong_answers():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    images = np.eye(2, dtype="float32")[[0, 1, 1, 0]]
    assert demo._error_rate(model, images, np.array([0, 1, 0, 0])) == 0.25


@pytest.mark.once
def test_every_arm_has_every_seed_and_the_table_pairs_them(digits, monkeypatch):
    from rich.console import Console
    from rich.progress import Progress

    # Errors of "none" and of "MRA", by seed, on each kind of test images.
    errors = {"none": [0.25, 0.5], "MRA": [0.5, 0.75]}

    def train(augmentation, data, settings, seed, progress, task):
        arm = "none" if augmentation is None else "MRA"
        return errors[arm][seed], 2.0 if arm == "none" else 3.0

    monkeypatch.setattr(demo, "_train", train)
    monkeypatch.setattr(demo, "_error_rate", lambda model, images, labels: model)
    monkeypatch.setattr(demo, "MaskReconstruct", lambda mae, **settings: settings)
    settings = demo.Settings(data="digits", seeds=2)
    runs = demo._run_arms(None, digits, settings, Progress(disable=True))
    assert [(run["arm"], run["seed"], run["error"]["clean"]) for run in runs] == [
        ("none", 0, 0.25), ("none", 1, 0.5), ("MRA", 0, 0.5), ("MRA", 1, 0.75),
    ]  # fmt: skip
    console = Console(record=True, width=100)
    console.print(demo._table(runs, digits, settings))
    rows = [line.split() for line in console.export_text().splitlines()]
    assert ["none", *["37.5±17.7"] * 3, "2.0±0.0", "1.00"] in rows
    assert ["MRA", *["62.5±17.7"] * 3, "3.0±0.0", "1.50"] in rows
    assert ["MRA", "−", "none", *["+25.0±0.0"] * 3] in rows
