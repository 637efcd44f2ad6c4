"""The demonstration's pieces, and the demonstration itself on the digits."""

import json

import keras
import numpy as np
import pytest
from study.small_cnn import small_cnn

import keras_mra
from keras_mra import demo


def test_arms_start_from_the_same_weights():
    plain = small_cnn((8, 8, 1), 3, (0, 255), seed=1)
    augmented = small_cnn((8, 8, 1), 3, (0, 255), keras.layers.Identity(), seed=1)
    other = small_cnn((8, 8, 1), 3, (0, 255), seed=2)
    for a, b in zip(plain.get_weights(), augmented.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert (plain.get_weights()[0] != other.get_weights()[0]).any()
    # The classifier sees -1 to 1.
    rescale = plain.layers[0]
    ends = keras.ops.convert_to_numpy(rescale(np.array([[0.0, 255.0]], "float32")))
    np.testing.assert_allclose(ends, [[-1, 1]], atol=1e-6)


@pytest.fixture(scope="module")
def digits():
    return keras_mra.datasets.load("digits")


def test_the_labelled_images_are_balanced_and_drawn_by_seed(digits):
    labels = digits.train[1]
    chosen = demo._labelled(labels, 5, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [5] * 10
    assert len(set(chosen.tolist())) == 50
    assert set(chosen) != set(demo._labelled(labels, 5, seed=1))


def test_borders_scale_with_the_image():
    assert demo._borders((28, 28, 1)) == [4, 6, 8]
    assert demo._borders((8, 8, 1)) == [1, 2]


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
        out=str(tmp_path), data="digits", labels_per_class=5, epochs=2, seeds=2
    )
    results = demo.run_demo(settings)
    assert json.loads((tmp_path / "results.json").read_text()) == results
    assert (tmp_path / "gallery.png").read_bytes()[1:4] == b"PNG"
    assert [(r["arm"], r["seed"]) for r in results["runs"]] == [
        ("none", 0),
        ("none", 1),
        ("MRA", 0),
        ("MRA", 1),
    ]
    for run in results["runs"]:
        assert set(run["error"]) == {"clean", "border 1", "border 2"}
        assert all(0 <= e <= 1 for e in run["error"].values()) and run["seconds"] > 0
    assert results["settings"]["labels_per_class"] == 5
    assert results["machine"]["backend"] == keras.backend.backend()


def test_error_rate_is_the_share_of_wrong_answers():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    images = np.eye(2, dtype="float32")[[0, 1, 1, 0]]
    assert demo._error_rate(model, images, np.array([0, 1, 0, 0])) == 0.25
