import re
import warnings

import keras
import numpy as np
import pytest
from conftest import QUICK
from conftest import TINY
from conftest import compute
from conftest import random_visible
from conftest import randomize
from conftest import traced
from keras import ops

import keras_mra
from keras_mra import patches as patch_ops

SHAPE, PATCH, NUM_PATCHES = (8, 12, 3), (4, 3), 8


def make_mae(**arguments):
    return keras_mra.MAE(SHAPE, PATCH, **{**TINY, "mask_ratio": 0.5, **arguments})


@pytest.fixture(scope="module")
def mae():
    return randomize(make_mae())


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (3, *SHAPE), dtype="uint8")


@pytest.fixture
def visible(rng):
    return random_visible(rng, 3, NUM_PATCHES, 3)


def pixel_mask(visible):
    """Which pixels are visible, `(batch, height, width, channels)`."""
    mask = np.zeros((len(visible), NUM_PATCHES, PATCH[0] * PATCH[1] * 3), "float32")
    for row, places in zip(mask, visible):
        row[places] = 1
    whole = patch_ops.unpatchify(ops.convert_to_tensor(mask), PATCH, SHAPE)
    return ops.convert_to_numpy(whole) > 0


# --- what it knows -------------------------------------------------------------------


def test_attributes():
    mae = make_mae(mean=0.5, std=(0.1, 0.2, 0.3), value_range=(-1, 1))
    assert (mae.image_shape, mae.patch_size, mae.grid) == (SHAPE, PATCH, (2, 4))
    assert (mae.num_patches, mae.num_visible, mae.mask_ratio) == (8, 4, 0.5)
    assert mae.value_range == (-1.0, 1.0)
    assert (mae.mean, mae.std) == ((0.5, 0.5, 0.5), (0.1, 0.2, 0.3))
    assert keras_mra.MAE((8, 8, 1), 4, **TINY).patch_size == (4, 4)


def test_encoder_and_decoder_are_functional_models(mae):
    for model in (mae.encoder, mae.decoder):
        assert isinstance(model, keras.Model) and model.inputs and model.outputs
        lines = []
        model.summary(print_fn=lambda line, lines=lines, **_: lines.append(line))
        assert "block_0" in "\n".join(lines)
    assert mae.encoder.output.shape == (None, None, 16)
    assert mae.decoder.output.shape == (None, 8, 36)
    mae.summary(print_fn=lambda *_, **__: None)
    assert mae.count_params() == sum(
        model.count_params() for model in (mae.encoder, mae.decoder)
    )


def test_encoder_is_given_the_visible_patches_only(mae, images, monkeypatch):
    """The block that costs most sees a class token and what is kept, no more."""
    lengths = []
    original = patch_ops.gather_rows

    def recorded(sequence, indices):
        rows = original(sequence, indices)
        lengths.append(rows.shape[1])
        return rows

    monkeypatch.setattr(patch_ops, "gather_rows", recorded)
    visible = np.array([[1, 4]] * 3, "int32")
    mae.predict_patches(images, visible)
    # The encoder's, then the decoder's, which completes the sequence.
    assert lengths == [2, NUM_PATCHES]
    hidden = images.copy()
    hidden[~pixel_mask(visible)] = 7
    np.testing.assert_array_equal(
        compute(mae.predict_patches, hidden, visible),
        compute(mae.predict_patches, images, visible),
    )


def test_call_names_its_intermediates(mae, images):
    out = mae(images)
    assert set(out) == {"tokens", "predictions", "targets", "dropped", "visible"}
    assert tuple(out["tokens"].shape) == (3, 1 + 4, mae.encoder_dim)
    assert tuple(out["predictions"].shape) == tuple(out["targets"].shape) == (3, 8, 36)
    visible = ops.convert_to_numpy(out["visible"])
    assert visible.shape == (3, 4) and visible.dtype == "int32"
    dropped = ops.convert_to_numpy(out["dropped"])
    np.testing.assert_array_equal(dropped.sum(axis=1), 4)
    assert (np.take_along_axis(dropped, visible, axis=1) == 0).all()
    # Each call draws new masks.
    assert (ops.convert_to_numpy(mae(images)["visible"]) != visible).any()


# --- reconstruct ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float16", "float64"])
def test_visible_pixels_are_returned_bit_for_bit(mae, rng, visible, dtype):
    images = rng.uniform(0, 255, (3, *SHAPE)).astype(dtype)
    found = ops.convert_to_numpy(mae.reconstruct(images, visible))
    if keras.backend.backend() == "jax" and dtype == "float64":
        dtype = "float32"  # JAX has no other unless asked to
        images = images.astype(dtype)
    assert found.dtype == dtype and found.shape == images.shape
    shown = pixel_mask(visible)
    assert found[shown].tobytes() == images[shown].tobytes()
    assert (found[~shown] != images[~shown]).mean() > 0.5


def test_visible_bfloat16_pixels_are_returned_bit_for_bit(mae, rng, visible):
    images = ops.cast(rng.uniform(0, 255, (3, *SHAPE)), "bfloat16")
    found = mae.reconstruct(images, visible)
    assert ops.dtype(found) == "bfloat16"
    found, images = (
        ops.convert_to_numpy(ops.cast(x, "float32")) for x in (found, images)
    )
    shown = pixel_mask(visible)
    np.testing.assert_array_equal(found[shown], images[shown])


@pytest.mark.parametrize("value_range", [(0, 255), (0, 1), (-1, 1)])
def test_dropped_pixels_are_the_predictions_in_the_images_range(
    rng, visible, value_range
):
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    mae = randomize(make_mae(value_range=value_range, mean=mean, std=std))
    low, high = value_range
    images = rng.uniform(low, high, (3, *SHAPE)).astype("float32")
    predicted = mae.predict_patches(images, visible)
    painted = ops.convert_to_numpy(patch_ops.unpatchify(predicted, PATCH, SHAPE))
    painted = (painted * np.array(std) + np.array(mean)) * (high - low) + low
    expected = np.where(pixel_mask(visible), images, np.clip(painted, low, high))
    found = ops.convert_to_numpy(mae.reconstruct(images, visible))
    np.testing.assert_allclose(found, expected, atol=1e-5 * (high - low))
    assert (painted < low).any() and (painted > high).any()  # clipping was needed
    assert found.min() >= low and found.max() <= high


def test_bytes_are_rounded_and_clipped(mae, images, visible):
    """Not wrapped: a byte of -3 would be 253."""
    as_float = mae.reconstruct(images.astype("float32"), visible)
    found = ops.convert_to_numpy(mae.reconstruct(images, visible)).astype("float32")
    as_float = ops.convert_to_numpy(as_float)
    assert (as_float == 0).any() and (as_float == 255).any()
    assert np.abs(found - as_float).max() <= 0.5 + 1e-3


def test_bytes_and_floats_are_the_same_images(mae, images, visible):
    floats = images.astype("float32")
    for method, args in [
        (mae.encode, ()),
        (mae.attention, ()),
        (mae.predict_patches, (visible,)),
        (mae.reconstruction_loss, (visible,)),
    ]:
        np.testing.assert_array_equal(
            compute(method, images, *args), compute(method, floats, *args)
        )


def test_lists_are_images_and_indices(mae, images, visible):
    found = mae.reconstruct(images.astype("float32").tolist(), visible.tolist())
    assert tuple(found.shape) == images.shape


def test_patch_statistics_can_be_put_back(rng, visible):
    """A model with standardised targets paints with the true mean and deviation."""
    mae = randomize(make_mae(norm_pix_loss=True, value_range=(-10, 10)))
    images = rng.uniform(-1, 1, (3, *SHAPE)).astype("float32")
    found = ops.convert_to_numpy(
        mae.reconstruct(images, visible, restore_patch_statistics=True)
    )

    def patches(x):
        return ops.convert_to_numpy(patch_ops.patchify(ops.convert_to_tensor(x), PATCH))

    predicted = ops.convert_to_numpy(mae.predict_patches(images, visible))
    true = patches(images)
    expected = predicted * true.std(-1, keepdims=True, ddof=1) + true.mean(
        -1, keepdims=True
    )
    dropped = ~patch_mask(visible)
    np.testing.assert_allclose(patches(found)[dropped], expected[dropped], atol=0.01)
    np.testing.assert_array_equal(patches(found)[~dropped], true[~dropped])


def patch_mask(visible):
    mask = np.zeros((len(visible), NUM_PATCHES), bool)
    np.put_along_axis(mask, visible, True, axis=1)
    return mask


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


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
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


# --- attention -----------------------------------------------------------------------


@pytest.mark.parametrize("resolution", [None, 12, (4, 6), (8, 6), (8, 12), (16, 24)])
@pytest.mark.parametrize("block", [-1, 0])
def test_attention_is_a_distribution(mae, images, block, resolution):
    found = compute(
        lambda x: mae.attention(x, block=block, resolution=resolution), images
    )
    assert found.dtype == "float32" and found.shape == (3, NUM_PATCHES)
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.ptp(found, axis=1).min() > 1e-4  # not flat


def test_attention_at_full_resolution_is_the_full_attention(mae, images):
    np.testing.assert_allclose(
        compute(lambda x: mae.attention(x, resolution=SHAPE[:2]), images),
        compute(mae.attention, images),
        atol=1e-6,
    )


def test_attention_at_half_resolution_looks_at_the_same_places():
    """A bright corner that draws attention draws it in the smaller image too."""
    mae = randomize(keras_mra.MAE((32, 32, 1), 4, **TINY, mean=0.5, std=0.25), seed=2)
    images = np.zeros((1, 32, 32, 1), "float32")
    images[:, :8, 16:] = 255
    full = compute(mae.attention, images)[0]
    half = compute(lambda x: mae.attention(x, resolution=16), images)[0]
    assert half.shape == full.shape == (64,)
    assert np.corrcoef(full, half)[0, 1] > 0.5


def test_attention_of_the_blocks(mae, images):
    assert mae.encoder_depth == 2

    def attention(block):
        return ops.convert_to_numpy(mae.attention(images, block=block))

    last, first = attention(-1), attention(0)
    np.testing.assert_array_equal(last, attention(1))
    np.testing.assert_array_equal(first, attention(-2))
    assert np.abs(last - first).max() > 1e-3


def test_masks_from_attention_to_reconstruction(mae, images):
    visible = keras_mra.masking.visible_patches(mae.attention(images), 0.5)
    found = ops.convert_to_numpy(mae.reconstruct(images, visible))
    shown = pixel_mask(ops.convert_to_numpy(visible))
    np.testing.assert_array_equal(found[shown], images[shown])


# --- tracing -------------------------------------------------------------------------

PIXELS = ((None, *SHAPE), "float32")
INDICES = ((None, 3), "int32")


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch runs eagerly; see below"
)
@pytest.mark.parametrize(
    "method, signature",
    [
        ("encode", [PIXELS]),
        ("attention", [PIXELS]),
        ("reconstruct", [PIXELS, INDICES]),
        ("predict_patches", [PIXELS, INDICES]),
        ("reconstruction_loss", [PIXELS, INDICES]),
    ],
)
def test_compiled(mae, images, visible, method, signature):
    function = getattr(mae, method)
    compiled = traced(function, *signature)
    for size in (3, 2):
        args = [images.astype("float32"), visible][: len(signature)]
        args = [ops.convert_to_tensor(x[:size]) for x in args]
        np.testing.assert_allclose(
            ops.convert_to_numpy(compiled(*args)),
            ops.convert_to_numpy(function(*args)),
            atol=1e-3 if method == "reconstruct" else 1e-5,
        )


@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="torch.compile is PyTorch's"
)
def test_torch_compile_traces_the_layers(mae, images, visible):
    """Tracing whole models takes it minutes, so two layers must do."""
    patches = ops.take(mae.patchify(ops.convert_to_tensor(images)), [0, 5, 3], axis=1)
    tokens = ops.ones((3, 4, 8))
    for layer, args in [
        (mae.encoder.get_layer("patch_embedding"), (patches, visible)),
        (mae.decoder.get_layer("restore_tokens"), (tokens, visible)),
    ]:
        args = [ops.convert_to_tensor(x) for x in args]
        np.testing.assert_allclose(
            ops.convert_to_numpy(traced(layer)(*args)),
            ops.convert_to_numpy(layer(*args)),
            atol=1e-5,
        )


def test_symbolic_batch(mae):
    images = keras.KerasTensor((None, *SHAPE), "uint8")
    visible = keras.KerasTensor((None, 3), "int32")

    class Everything(keras.layers.Layer):
        def call(self, images, visible):
            return {
                "tokens": mae.encode(images),
                "attention": mae.attention(images, resolution=(4, 6)),
                "images": mae.reconstruct(images, visible),
                "patches": mae.predict_patches(images, visible),
            }

    found = Everything(autocast=False)(images, visible)
    assert {name: spec.shape for name, spec in found.items()} == {
        "tokens": (None, 9, 16),
        "attention": (None, 8),
        "images": (None, *SHAPE),
        "patches": (None, 8, 36),
    }


def test_inside_a_functional_model(mae, images):
    """The encoder is a model for probes and classifiers."""
    inputs = keras.Input(SHAPE, dtype="uint8")
    tokens = keras.layers.Lambda(mae.encode)(inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(tokens))
    np.testing.assert_allclose(
        model.predict(images, verbose=0),
        compute(mae.encode, images).mean(axis=1),
        atol=1e-5,
    )


# --- configuration -------------------------------------------------------------------


def test_config_round_trip():
    mae = make_mae(
        mean=0.5, std=(1, 2, 3), value_range=(0, 1), norm_pix_loss=True, seed=4,
        name="mine", dtype="mixed_bfloat16",
    )  # fmt: skip
    again = keras_mra.MAE.from_config(mae.get_config())
    assert again.get_config() == mae.get_config()
    assert again.name == "mine" and again.dtype_policy.name == "mixed_bfloat16"
    for one, other in zip(mae.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_config_is_json():
    import json

    document = keras.saving.serialize_keras_object(make_mae())
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(document)))
    assert again.get_config() == make_mae(name=again.name).get_config()


def test_seeds_decide_the_weights():
    def kernels(seed):
        return [w for w in make_mae(seed=seed).get_weights() if w.ndim == 2]

    for one, other in zip(kernels(0), kernels(1)):
        assert np.abs(one - other).max() > 0.01
    one, other = kernels(None), kernels(None)
    assert np.abs(one[0] - other[0]).max() > 0.01
    kernels = kernels(0)
    same_shape = [(a, b) for i, a in enumerate(kernels) for b in kernels[:i]]
    same_shape = [(a, b) for a, b in same_shape if a.shape == b.shape]
    assert all(np.abs(a - b).max() > 0.01 for a, b in same_shape)  # no two alike


def test_clone_model(mae, images):
    clone = keras.models.clone_model(mae)
    assert isinstance(clone, keras_mra.MAE) and clone.get_config() == mae.get_config()
    assert clone.encoder is not mae.encoder
    clone.set_weights(mae.get_weights())
    np.testing.assert_array_equal(
        ops.convert_to_numpy(clone.encode(images)),
        ops.convert_to_numpy(mae.encode(images)),
    )


# --- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, pattern",
    [
        (dict(image_shape=(8, 12)), "`image_shape` must be .*height, width, channels"),
        (
            dict(image_shape=(8, 13, 3)),
            "`image_shape` must be divisible by `patch_size`",
        ),
        (dict(patch_size=5), r"divisible by `patch_size`.*\(8, 12, 3\).*\(5, 5\)"),
        (dict(patch_size=0), "`patch_size` must be a positive integer"),
        (dict(patch_size=(8, 12)), "`patch_size` must cut"),
        (dict(mask_ratio=1.5), r"`mask_ratio` must be in \(0, 1\).*1.5"),
        (dict(mask_ratio=0.01), "`mask_ratio` must keep and drop.*drop none"),
        (dict(mask_ratio=0.99), "`mask_ratio` must keep and drop.*keep none"),
        (dict(mask_ratio="much"), "`mask_ratio` must be a number"),
        (dict(encoder_dim=18), "`encoder_dim` must be divisible by 4"),
        (dict(encoder_heads=3), "`encoder_dim` must be divisible by `encoder_heads`"),
        (dict(decoder_dim=10), "`decoder_dim` must be divisible by 4"),
        (dict(decoder_heads=3), "`decoder_dim` must be divisible by `decoder_heads`"),
        (dict(encoder_depth=0), "`encoder_depth` must be a positive integer"),
        (dict(decoder_depth=1.5), "`decoder_depth` must be an integer, at least 0"),
        (dict(mlp_ratio=0), "`mlp_ratio` must be a positive number"),
        (dict(mlp_ratio=0.01), "`mlp_ratio`.*0.01"),
        (dict(layer_norm_epsilon=-1), "`layer_norm_epsilon` must be a positive number"),
        (dict(value_range=(1, 0)), "`value_range` must be a pair"),
        (dict(mean=(1, 2)), "`mean` must be one finite number per channel"),
        (dict(std=0), "`std` must be one positive"),
        (dict(seed=-1), "`seed` must be an integer"),
        (
            dict(norm_pix_loss=True, image_shape=(4, 4, 1), patch_size=1),
            "norm_pix_loss",
        ),
    ],
)
def test_bad_arguments(arguments, pattern):
    with pytest.raises(ValueError, match=pattern):
        keras_mra.MAE(
            **{**TINY, "image_shape": SHAPE, "patch_size": PATCH, **arguments}
        )


def calls(mae, images, visible):
    """Each public method that takes images."""
    return [
        lambda: mae.encode(images),
        lambda: mae.attention(images),
        lambda: mae.reconstruct(images, visible),
        lambda: mae.predict_patches(images, visible),
        lambda: mae.reconstruction_loss(images, visible),
    ]


@pytest.mark.parametrize(
    "images, pattern",
    [
        (np.zeros(SHAPE, "uint8"), r"`images` must have rank 4.*\(8, 12, 3\)"),
        (np.zeros((1, 8, 12, 1), "uint8"), "`images` must have shape.*channels is 1"),
        (np.zeros((1, 8, 8, 3), "uint8"), "`images` must have shape.*width is 8"),
        (np.zeros((0, 8, 12, 3), "uint8"), "`images` must not be empty"),
        (np.zeros((1, 8, 12, 3), bool), "`images` must hold integers or floats"),
        (np.full((1, 8, 12, 3), 256.0), "`images` must lie in .*`value_range`.*256"),
        (np.full((1, 8, 12, 3), -9), "`images` must lie in .*`value_range`.*-9"),
        (np.full((1, 8, 12, 3), np.nan), "`images` must be finite"),
        (np.full((1, 8, 12, 3), np.inf), "`images` must be finite"),
    ],
)
def test_bad_images(mae, images, pattern):
    visible = np.zeros((len(images), 1), "int32")
    for call in calls(mae, images, visible):
        with pytest.raises(ValueError, match=pattern):
            call()


def test_images_scaled_to_one_warn(mae, visible):
    images = np.random.default_rng(0).uniform(size=(3, *SHAPE)).astype("float32")
    for call in calls(mae, images, visible):
        with pytest.warns(
            UserWarning, match=r"multiply them by 255.*value_range=\(0, 1\)"
        ):
            call()


def test_images_in_range_do_not_warn(mae, images, visible):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        mae.reconstruct(images, visible)


@pytest.mark.parametrize(
    "visible, pattern",
    [
        ([[0, 8]], "`visible` must hold patch indices from 0 to 7.*to 8"),
        ([[-1, 3]], "`visible` must hold patch indices from 0 to 7.*-1"),
        ([[3, 3]], "`visible` must hold each patch at most once"),
        ([0, 1], r"`visible` must have shape \(batch, kept\)"),
        ([[0.0, 1.0]], "`visible` must hold integers"),
        (np.zeros((1, 0), "int32"), "`visible` must keep at least one patch"),
        ([[0, 1], [2, 3]], "`visible` must .*each image.*2"),
    ],
)
def test_bad_visible(mae, images, visible, pattern):
    for call in calls(mae, images[:1], visible)[2:]:
        with pytest.raises(ValueError, match=pattern):
            call()


def test_everything_visible_leaves_no_loss(mae, images):
    """Nothing dropped: reconstruction is the image, and no mean of errors exists."""
    everything = np.tile(np.arange(8, dtype="int32"), (3, 1))
    found = mae.reconstruct(images, everything)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), images)
    with pytest.raises(ValueError, match="`visible`.*drop"):
        mae.reconstruction_loss(images, everything)


@pytest.mark.parametrize("block", [2, -3, 0.5, None])
def test_bad_block(mae, images, block):
    with pytest.raises(ValueError, match="`block` must be an integer from -2 to 1"):
        mae.attention(images, block=block)


@pytest.mark.parametrize("resolution", [5, (4, 5), (4, 4, 4), 0])
def test_bad_resolution(mae, images, resolution):
    with pytest.raises(ValueError, match="`resolution` must be"):
        mae.attention(images, resolution=resolution)


def test_bad_images_in_fit():
    mae = make_mae()
    mae.compile("sgd")
    with pytest.raises(
        ValueError, match=re.escape("must have shape (batch, 8, 12, 3)")
    ):
        mae.fit(np.zeros((4, 8, 8, 3), "uint8"), verbose=0)
