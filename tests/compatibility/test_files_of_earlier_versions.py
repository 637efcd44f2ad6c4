"""Files that an earlier version wrote load, and give the numbers that it computed.

`written_by_50a0f0b/` was written by that commit, the last one before the package was
rearranged: a preset, three `.keras` files, and on each backend the checkpoints of two
runs that were stopped after the first of two epochs.
"""

import json
import pathlib
import shutil

import keras
import numpy as np
import pytest
from keras import ops

import keras_mra

FILES = pathlib.Path(__file__).parent / "written_by_50a0f0b"
BACKEND = keras.backend.backend()
TINY = dict(
    encoder_dim=8, encoder_depth=1, encoder_heads=2,
    decoder_dim=8, decoder_depth=1, decoder_heads=2, mlp_ratio=1.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype="uint8")


@pytest.fixture(scope="module")
def outputs():
    with np.load(FILES / "outputs.npz") as file:
        return dict(file)


def assert_close(found, expected):
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=2e-5)


def test_a_preset(images, outputs):
    mae = keras_mra.MAE.from_preset(FILES / "preset")
    visible = np.tile(np.array([[2, 0]], "int32"), (12, 1))
    assert_close(mae.encode(images), outputs["encoded"])
    assert_close(mae.attention(images), outputs["attention"])
    reconstructed = ops.convert_to_numpy(mae.reconstruct(images, visible))
    difference = reconstructed.astype(int) - outputs["reconstructed"].astype(int)
    assert np.abs(difference).max() <= 1  # uint8, rounded
    assert mae.mean == (0.5, 0.4, 0.3) and mae.std == (0.25, 0.25, 0.25)


def test_an_autoencoder_with_learned_positions(images, outputs):
    mae = keras.saving.load_model(FILES / "learned.keras")
    assert mae.positions == "learned"
    assert_close(mae.encode(images), outputs["learned"])


def test_a_classifier_with_the_layer(images, outputs):
    # PyTorch wrote the file, and names that backend's optimizer in it.
    model = keras.saving.load_model(FILES / "classifier.keras", compile=False)
    assert_close(model.predict(images, verbose=0), outputs["probabilities"])
    (layer,) = [
        x for x in model.layers if isinstance(x, keras_mra.layers.MaskReconstruct)
    ]
    assert (layer.mask_ratio, layer.temperature, layer.rate) == (0.5, 0.5, 0.5)
    assert len(model.trainable_variables) == 2  # the dense layer's
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(images, np.arange(12) % 3, verbose=0)


def test_a_siamese_autoencoder(images, outputs):
    msa = keras.saving.load_model(FILES / "msa.keras")
    found = msa(images)
    assert_close(found["keys"], outputs["keys"])
    assert found["queries"].shape == outputs["queries"].shape  # of random masks


@pytest.mark.parametrize("method", ["mae", "msa"])
def test_a_checkpoint_continues(images, method, tmp_path):
    """To the weights and the losses of a run that the earlier version finished."""
    pretrain, arguments = {
        "mae": (keras_mra.pretrain_mae, {"mask_ratio": 0.75, "smooth_fill": False}),
        # Without random views: their thresholds turn rounding into other images.
        "msa": (
            keras_mra.pretrain_msa,
            {
                "contrast_weight": 1.0,
                "temperature": 0.2,
                "hidden_dim": 8,
                "projection_dim": 4,
                "views": (None, None),
            },
        ),
    }[method]
    folder = shutil.copytree(FILES / f"{method}_{BACKEND}", tmp_path / "checkpoint")
    begun = []
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda n, _: begun.append(n))
    model = pretrain(
        images,
        preset="mae_nano",
        patch_size=4,
        image_shape=(8, 8, 3),
        epochs=2,
        batch_size=4,
        learning_rate=0.05,
        seed=3,
        verbose=0,
        checkpoint=folder,
        callbacks=[note],
        **TINY,
        **arguments,
    )
    assert begun == [1]
    history = json.loads((FILES / f"history_{BACKEND}.json").read_text())[method]
    assert set(model.history.history) == set(history)
    for name, values in history.items():
        np.testing.assert_allclose(
            model.history.history[name], values, rtol=1e-3, err_msg=name
        )
    mae = model if method == "mae" else model.mae
    with np.load(FILES / f"{method}_{BACKEND}_finished.npz") as finished:
        for i, weight in enumerate(mae.get_weights()):
            np.testing.assert_allclose(weight, finished[f"w{i}"], atol=2e-3)
