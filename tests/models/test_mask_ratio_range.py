"""`MAE(mask_ratio=(low, high))`: every batch is trained at several ratios."""

import json

import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import TINY
from helpers.models import compute
from helpers.models import randomize
from helpers.models import traced
from keras import ops

import keras_mra
from keras_mra import MSA

to_numpy = ops.convert_to_numpy
pytestmark = pytest.mark.usefixtures("quick_compilation")
COUNTS = (12, 9, 7, 4)  # of 16 patches, at ratios from 0.25 to 0.75


def make_mae(mask_ratio=(0.25, 0.75), **arguments):
    small = {**TINY, "encoder_depth": 1}
    return keras_mra.MAE((8, 8, 1), 2, mask_ratio=mask_ratio, **{**small, **arguments})


@pytest.fixture(scope="module")
def mae():
    return randomize(make_mae())


def images_of(batch):
    rng = np.random.default_rng(batch)
    return rng.uniform(0, 255, (batch, 8, 8, 1)).astype("float32")


def call(model, images):
    """Eagerly: the call draws random numbers, which a bare `jax.jit` would leak."""
    inputs = keras.tree.map_structure(ops.convert_to_tensor, images)
    outputs = model(inputs)
    return keras.tree.map_structure(to_numpy, outputs)


def test_attributes(mae):
    assert mae.mask_ratio == mae.mask_ratios == (0.25, 0.75)
    assert mae.visible_counts == COUNTS and mae.num_visible == 12
    fixed = make_mae(0.5)
    assert (fixed.mask_ratio, fixed.mask_ratios) == (0.5, (0.5, 0.5))
    assert fixed.visible_counts == (fixed.num_visible,) == (8,)


@pytest.mark.parametrize(
    "batch, visible",
    [
        (8, [12, 12, 9, 9, 7, 7, 4, 4]),
        (5, [12, 9, 7, 4, 4]),
        (3, [9, 7, 4]),
        (1, [4]),
    ],
)
def test_every_batch_sees_every_ratio(mae, batch, visible):
    out = call(mae, images_of(batch))
    assert (out["dropped"] == 0).sum(axis=1).tolist() == visible
    assert out["visible"].shape == (batch, 12) and out["visible"].dtype == "int32"
    for row, kept, dropped in zip(out["visible"], visible, out["dropped"], strict=True):
        np.testing.assert_array_equal(np.sort(row[:kept]), np.flatnonzero(dropped == 0))
        assert (row[kept:] == -1).all()


def test_each_part_is_what_its_ratio_alone_gives(mae):
    images = images_of(8)
    out = call(mae, images)
    for i, kept in enumerate(COUNTS):
        rows = slice(2 * i, 2 * i + 2)
        visible, tokens = out["visible"][rows, :kept], out["tokens"][rows]
        alone = call(mae, {"images": images[rows], "visible": visible})
        np.testing.assert_allclose(tokens[:, : 1 + kept], alone["tokens"], atol=1e-5)
        assert (tokens[:, 1 + kept :] == 0).all()
        for name in ("predictions", "targets", "dropped"):
            np.testing.assert_allclose(out[name][rows], alone[name], atol=1e-5)


def test_the_loss_is_over_all_dropped_patches(mae):
    out = call(mae, images_of(8))
    error = np.square(out["predictions"] - out["targets"]).mean(axis=-1)
    expected = error[out["dropped"] == 1].mean()
    found = float(to_numpy(mae.compute_loss(y_pred=out)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow has unknown sizes"
)
@pytest.mark.parametrize("batch", [2, 8])
def test_traced_with_a_batch_of_any_size(mae, batch):
    function = traced(
        lambda images: mae.call(images)["dropped"], ((None, 8, 8, 1), "float32")
    )
    dropped = to_numpy(function(ops.convert_to_tensor(images_of(batch))))
    visible = (dropped == 0).sum(axis=1).tolist()
    assert visible == ([9, 4] if batch == 2 else [12, 12, 9, 9, 7, 7, 4, 4])


@pytest.mark.xla
def test_fit_lowers_the_loss_with_a_partial_batch():
    images = np.repeat(images_of(2), 5, axis=0)
    mae = make_mae(norm_pix_loss=True)
    mae.compile(keras.optimizers.AdamW(3e-3))
    losses = mae.fit(images, epochs=20, batch_size=8, verbose=0).history["loss"]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


def test_msa_pools_each_part(mae):
    msa = MSA(mae, weak=None, strong=None, hidden_dim=12, projection_dim=6)
    images = images_of(8)
    out = call(msa, images)
    assert out["queries"].shape == out["keys"].shape == (8, 6)
    for i, kept in enumerate(COUNTS):
        alone = compute(msa.query, out["tokens"][2 * i : 2 * i + 2, : 1 + kept])
        np.testing.assert_allclose(out["queries"][2 * i : 2 * i + 2], alone, atol=1e-5)
    msa.compile(keras.optimizers.SGD(0.01))
    history = msa.fit(images, batch_size=8, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("last", [1, 2, 3])
def test_last_batches_smaller_than_the_number_of_ratios(last):
    images = images_of(4 + last)
    mae = make_mae()
    mae.compile(keras.optimizers.SGD(0.01), **QUICK)
    assert np.isfinite(mae.fit(images, batch_size=4, verbose=0).history["loss"]).all()
    assert np.isfinite(mae.evaluate(images, batch_size=4, verbose=0))
    out = mae.predict(images, batch_size=4, verbose=0)
    assert out["visible"].shape == (4 + last, 12)
    assert out["tokens"].shape == (4 + last, 13, 16)
    kept = (out["visible"] >= 0).sum(axis=1)
    np.testing.assert_array_equal(kept, (out["dropped"] == 0).sum(axis=1))
    assert kept.tolist()[:4] == list(COUNTS) and kept[-1] == COUNTS[-1]


def test_an_msa_predicts_with_a_small_last_batch():
    msa = MSA(make_mae(), weak=None, strong=None, hidden_dim=12, projection_dim=6)
    msa.compile(keras.optimizers.SGD(0.01), **QUICK)
    out = msa.predict(images_of(5), batch_size=4, verbose=0)
    assert out["queries"].shape == (5, 6) and np.isfinite(out["queries"]).all()


@pytest.mark.parametrize("mask_ratio", [0.5, (0.25, 0.75)])
def test_an_empty_batch(mask_ratio):
    mae = make_mae(mask_ratio)
    out = call(mae, np.zeros((0, 8, 8, 1), "float32"))
    kept = mae.num_visible
    assert out["visible"].shape == (0, kept) and out["tokens"].shape == (
        0,
        1 + kept,
        16,
    )
    assert out["dropped"].shape == (0, 16) and out["predictions"].shape == (0, 16, 4)


def test_saved_and_loaded(mae, tmp_path):
    copy = keras_mra.MAE.from_config(mae.get_config())
    assert copy.get_config() == mae.get_config()
    mae.save_to_preset(tmp_path / "preset")
    mae.save(tmp_path / "mae.keras")
    for loaded in (
        keras_mra.MAE.from_preset(tmp_path / "preset"),
        keras.saving.load_model(tmp_path / "mae.keras"),
    ):
        assert loaded.mask_ratio == (0.25, 0.75) == loaded.mask_ratios
        assert loaded.visible_counts == COUNTS


def test_equal_ends_are_one_ratio():
    mae = make_mae((0.5, 0.5))
    assert mae.mask_ratios == (0.5, 0.5) and mae.visible_counts == (8,)
    assert call(mae, images_of(2))["visible"].shape == (2, 8)


@pytest.mark.parametrize(
    "mask_ratio, found",
    [
        (np.float32(0.5), 0.5),
        (np.float64(0.25), 0.25),
        ([0.25, 0.75], (0.25, 0.75)),
        ((np.float32(0.25), np.float64(0.75)), (0.25, 0.75)),
        ([0.5, 0.5], (0.5, 0.5)),
    ],
)
def test_forms_of_the_ratio(mask_ratio, found):
    mae = make_mae(mask_ratio)
    assert mae.mask_ratio == found
    config = json.loads(json.dumps(mae.get_config()["mask_ratio"]))
    again = make_mae(config)
    assert (again.mask_ratio, again.visible_counts) == (found, mae.visible_counts)


@pytest.mark.parametrize(
    "mask_ratio, message",
    [
        (float("nan"), "Received: mask_ratio=nan"),
        (0, "Received: mask_ratio=0"),
        (True, "a number.*a pair of them.*mask_ratio=True"),
        ((0.25, True), "a pair"),
        (np.bool_(True), "a number.*a pair of them"),
        ("0.5", "a number.*a pair of them.*mask_ratio='0.5'"),
        (None, "a number.*a pair of them.*mask_ratio=None"),
        ({0.25, 0.75}, "a number.*a pair of them"),
        (np.array([0.25, 0.75]), "a number.*a pair of them.*array"),
        ((), "a pair"),
        ((0.75, 0.25), "a pair of them, the lower first.*0.75, 0.25"),
        ((0.0, 0.5), r"in \(0, 1\)"),
        ((0.5, 1.0), r"in \(0, 1\)"),
        ((0.5, float("nan")), r"in \(0, 1\)"),
        ((0.5,), "a pair"),
        ((0.3, 0.5, 0.7), "a pair"),
        (("a", "b"), "a pair"),
        ((0.01, 0.5), "keep and drop.*mask_ratio=0.01.*drop none"),
        ((0.5, 0.99), "keep and drop.*mask_ratio=0.99.*keep none"),
    ],
)
def test_bad_ranges(mask_ratio, message):
    with pytest.raises(ValueError, match=f"`mask_ratio` must.*{message}"):
        make_mae(mask_ratio)
