"""`MAE`: what it computes, how it is traced, and how it is configured."""

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import compute
from helpers.models import randomize
from helpers.models import traced
from helpers.small_mae import NUM_PATCHES
from helpers.small_mae import PATCH
from helpers.small_mae import SHAPE
from helpers.small_mae import make_mae
from helpers.small_mae import patch_mask
from helpers.small_mae import pixel_mask
from keras import ops

import keras_mra
from keras_mra import patches as patch_ops

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


# --- repaint: `MaskReconstruct` tests the rest of it ----------------------------------


def test_repaint_is_reconstruct_of_the_chosen_patches(mae, images, visible):
    """The choice may be an array; attention that is asked for changes no pixel."""
    expected = ops.convert_to_numpy(mae.reconstruct(images, visible))
    for choose in (lambda *_: visible, lambda _, attend: (attend(), visible)[1]):
        found, chosen = mae.repaint(images, choose)
        difference = ops.convert_to_numpy(found).astype(int) - expected
        assert np.abs(difference).max() <= 1  # uint8, rounded
        np.testing.assert_array_equal(ops.convert_to_numpy(chosen), visible)


def test_repaint_refuses_bad_input(mae, images):
    with pytest.raises(ValueError, match="`block` must be an integer from -2 to 1"):
        mae.repaint(images, lambda _, attend: attend(block=2))
    with pytest.raises(ValueError, match="`images` must have rank 4"):
        mae.repaint(images[0], lambda *_: np.array([[0]]))
