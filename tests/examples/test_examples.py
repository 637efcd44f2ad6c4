"""The examples on the digits, each on one backend, the backends in turn."""

import keras
import numpy as np
import pytest
from helpers.running_examples import on
from helpers.running_examples import run

import keras_mra


def printed_accuracy(printed):
    return float(printed.split("test accuracy ")[-1].split()[0])


def accuracy(model):
    """The accuracy of a model on the test images that `--quick` leaves."""
    images, labels = keras_mra.datasets.load("digits").test
    return (model.predict(images, verbose=0).argmax(axis=1) == labels).mean()


@on("tensorflow")
def test_classifier(tmp_path):
    names, printed = run("classifier.py", tmp_path)
    exported = keras.models.load_model(tmp_path / "classifier.keras")
    augmentation = keras_mra.layers.MaskReconstruct
    assert any(isinstance(layer, augmentation) for layer in names["model"].layers)
    assert not any(isinstance(layer, augmentation) for layer in exported.layers)
    assert printed_accuracy(printed) == pytest.approx(accuracy(exported), abs=1e-4)


@on("torch")
def test_msa_and_mra(tmp_path):
    names, printed = run("msa_and_mra.py", tmp_path)
    model, msa = names["model"], names["msa"]
    assert {"pixel_loss", "contrast_loss"} < set(msa.history.history)
    (layer,) = (x for x in model.layers if hasattr(x, "mae"))
    for painter, student in zip(layer.mae.get_weights(), msa.mae.get_weights()):
        np.testing.assert_array_equal(painter, student)
    assert printed_accuracy(printed) == pytest.approx(accuracy(model), abs=1e-4)


@on("jax")
def test_own_vit(tmp_path):
    names, printed = run("own_vit.py", tmp_path)
    own, other = names["own"], names["other"]  # (images, kept patches)
    views, images = names["views"], names["batch"]
    assert own.shape == other.shape == (64, 10)
    alike = [len({*a} & {*b}) / 10 for a, b in zip(own, other)]
    changed = np.mean(views != images)
    assert f"repainted {changed:.2f} of the values; {np.mean(alike):.2f}" in printed
    # The patches that the ViT attends to are left alone; others are repainted.
    patches = keras_mra.patches.patchify(np.abs(views - 1.0 * images), (2, 2))
    repainted = np.asarray(patches).max(axis=-1) > 0  # (images, patches)
    assert not np.take_along_axis(repainted, np.asarray(own), axis=1).any()
    assert repainted.any()


@on("torch")
def test_torch_loop(tmp_path):
    import torch

    names, printed = run("torch_loop.py", tmp_path)
    model, data = names["model"], names["train"].dataset
    images, labels = keras_mra.datasets.load("digits").test
    with torch.no_grad():
        scores = model(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
    found = (scores.argmax(dim=1).numpy() == labels).mean()
    assert printed_accuracy(printed) == pytest.approx(found, abs=1e-4)
    assert "epoch 1: loss" in printed
    weights = torch.load(tmp_path / "classifier.pt")
    assert all((weights[k] == v).all() for k, v in model.state_dict().items())
    # Batches are augmented: half of their images, in four patches of ten.
    samples = [(data.images[i] / 255, data.labels[i]) for i in range(64)]
    views, _ = names["train"].collate_fn(samples)
    changed = (views != data.images[:64] / 255).any(dim=1)  # (images, height, width)
    assert 10 < changed.any(dim=(1, 2)).sum() < 54
    assert 0.05 < changed.float().mean() < 0.4
