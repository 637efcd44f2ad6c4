"""`MAE` in `fit`: its loss, what is saved of it, and other precisions."""

import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import compute
from helpers.models import randomize
from helpers.small_mae import make_mae
from helpers.small_mae import patch_mask
from helpers.small_mae import pixel_mask
from keras import ops

import keras_mra

pytestmark = pytest.mark.usefixtures("quick_compilation")


# --- loss and training ---------------------------------------------------------------


def test_loss_is_over_the_dropped_patches_only(mae, images, visible):
    predicted = ops.convert_to_numpy(mae.predict_patches(images, visible))
    targets = ops.convert_to_numpy(mae.patchify(ops.convert_to_tensor(images)))
    dropped = ~patch_mask(visible)
    expected = np.mean((predicted - targets)[dropped] ** 2)
    loss = ops.convert_to_numpy(mae.reconstruction_loss(images, visible))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_visible_targets_do_not_matter_to_the_loss_of_fit():
    mae = randomize(make_mae())
    mae.compile("sgd")
    rng = np.random.default_rng(0)
    shown = np.zeros((2, 8), "float32")
    shown[0, :4] = shown[1, 4:] = 1
    out = {
        "predictions": rng.normal(size=(2, 8, 36)).astype("float32"),
        "targets": rng.normal(size=(2, 8, 36)).astype("float32"),
        "dropped": 1 - shown,
    }

    def loss(change):
        targets = out["targets"] + change[..., None]
        return float(mae.compute_loss(y_pred={**out, "targets": targets}))

    assert loss(100 * shown) == loss(0 * shown)
    assert loss(100 * (1 - shown)) > 1000


@pytest.fixture(scope="module")
def stripes():
    """Images that can be learned: one of four stripe patterns each."""
    rng = np.random.default_rng(5)
    columns = np.arange(12)[None, None, :, None]
    phase = rng.integers(0, 2, (10, 1, 1, 1))
    images = 255.0 * ((columns // 3 + phase) % 2) * np.ones((1, 8, 1, 3))
    return images.astype("uint8")


@pytest.fixture(scope="module")
def fitted(stripes):
    """A model that was fitted, and its history; the last batch is a partial one."""
    mae = make_mae(seed=3, encoder_depth=1)
    mae.compile(keras.optimizers.AdamW(3e-3))
    return mae, mae.fit(stripes, epochs=15, batch_size=4, shuffle=False, verbose=0)


def test_fit_lowers_the_loss(fitted):
    _, history = fitted
    assert list(history.history) == ["loss"]
    losses = history.history["loss"]
    assert len(losses) == 15 and np.isfinite(losses).all()
    assert np.mean(losses[-3:]) < 0.5 * losses[0]


def test_labels_are_ignored(fitted, stripes):
    """`fit(images, labels)` is `fit(images)`, step for step."""
    _, without = fitted
    mae = make_mae(seed=3, encoder_depth=1)
    mae.compile(keras.optimizers.AdamW(3e-3), **QUICK)
    labels = np.arange(10, dtype="int32")
    history = mae.fit(stripes, labels, epochs=3, batch_size=4, shuffle=False, verbose=0)
    assert list(history.history) == ["loss"]
    np.testing.assert_allclose(
        history.history["loss"], without.history["loss"][:3], rtol=1e-4
    )


def test_evaluate_and_predict(fitted, stripes):
    mae, history = fitted
    loss = mae.evaluate(stripes, batch_size=4, verbose=0)
    assert 0 < loss < history.history["loss"][0]
    out = mae.predict(stripes, batch_size=4, verbose=0)
    assert out["predictions"].shape == (10, 8, 36)


def test_a_fitted_model_is_saved_whole(fitted, stripes, visible, tmp_path):
    """Weights, outputs and optimizer: training goes on where it stopped."""
    mae, _ = fitted
    mae.save(tmp_path / "mae.keras")
    loaded = keras.models.load_model(tmp_path / "mae.keras")
    assert isinstance(loaded, keras_mra.MAE)
    assert int(loaded.optimizer.iterations) == int(mae.optimizer.iterations) > 0
    for method, args in [
        ("encode", ()),
        ("attention", ()),
        ("reconstruct", (visible,)),
        ("predict_patches", (visible,)),
    ]:
        np.testing.assert_array_equal(
            ops.convert_to_numpy(getattr(loaded, method)(stripes[:3], *args)),
            ops.convert_to_numpy(getattr(mae, method)(stripes[:3], *args)),
        )
    history = loaded.fit(stripes, batch_size=4, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_a_loss_of_ones_own(stripes):
    mae = make_mae()
    mae.compile("sgd", loss="mean_absolute_error", run_eagerly=True)
    out = mae(stripes)
    loss = float(ops.stop_gradient(mae.compute_loss(y_pred=out)))
    error = ops.convert_to_numpy(ops.abs(out["predictions"] - out["targets"]))
    dropped = ops.convert_to_numpy(out["dropped"])[..., None]
    # Keras' own reduction: the sum of weighted samples over their number.
    np.testing.assert_allclose(loss, np.mean(error * dropped), rtol=1e-4)


# --- mixed precision -----------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype",
    [pytest.param("mixed_bfloat16", marks=pytest.mark.graph), "mixed_float16"],
)
def test_mixed_precision(mae, stripes, visible, dtype):
    half = make_mae(dtype=dtype)
    half.set_weights(mae.get_weights())
    images = stripes[:3].astype("float32") * 0.7
    assert {w.dtype for w in half.trainable_weights} == {"float32"}
    predicted = half.predict_patches(images, visible)
    assert ops.dtype(predicted) == dtype.removeprefix("mixed_")
    attention = half.attention(images)
    assert ops.dtype(attention) == "float32"
    np.testing.assert_allclose(
        ops.convert_to_numpy(attention), compute(mae.attention, images), atol=0.03
    )
    loss = half.reconstruction_loss(images, visible)
    assert ops.dtype(loss) == "float32"
    exact = compute(mae.reconstruction_loss, images, visible)
    np.testing.assert_allclose(ops.convert_to_numpy(loss), exact, rtol=0.05)
    # A policy is no reason to round the pixels of the input.
    found = ops.convert_to_numpy(half.reconstruct(images, visible))
    shown = pixel_mask(visible)
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found[shown], images[shown])

    half.compile(keras.optimizers.AdamW(1e-3), **QUICK)
    before = half.get_weights()
    losses = half.fit(stripes, epochs=2, batch_size=5, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    changed = [np.abs(a - b).max() > 0 for a, b in zip(before, half.get_weights())]
    # Biases of keys get no gradient: softmax does not see them.
    assert np.mean(changed) > 0.8


def test_a_global_policy_holds(images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mae = make_mae()
    finally:
        keras.config.set_dtype_policy("float32")
    assert ops.dtype(mae.encode(images)) == "bfloat16"
    assert {w.dtype for w in mae.trainable_weights} == {"float32"}


def test_sample_weights_are_refused(images):
    mae = make_mae()
    mae.compile("sgd", **QUICK)
    with pytest.raises(ValueError, match="`sample_weight` and `class_weight`"):
        mae.fit(images, np.zeros(3, int), class_weight={0: 0.5}, verbose=0)
