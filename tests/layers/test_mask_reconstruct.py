"""MaskReconstruct: what it changes, what it leaves alone, and what is saved of it."""

import json
import pickle

import keras
import numpy as np
import pytest
from helpers.small_augmentor import classifier
from helpers.small_augmentor import make_mae
from helpers.small_augmentor import to_numpy
from keras import ops

import keras_mra
from keras_mra.layers import MaskReconstruct
from keras_mra.patches import visible_pixels

BACKEND = keras.backend.backend()


# --- what it does to pixels ---------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32"])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_visible_pixels_are_the_inputs_own_and_the_rest_the_maes(
    mae, images, dtype, as_tensor
):
    images = images.astype(dtype)
    given = ops.convert_to_tensor(images) if as_tensor else images
    out = MaskReconstruct(mae, mask_ratio=0.5)(given)
    assert keras.backend.standardize_dtype(out.dtype) == dtype
    attention = mae.attention(images)
    visible = keras_mra.masking.visible_patches(attention, 0.5)
    want = to_numpy(mae.reconstruct(images, visible))
    shown = to_numpy(visible_pixels(visible, mae.grid, (12, 12)))
    out = to_numpy(out)
    np.testing.assert_array_equal(np.where(shown, out, 0), np.where(shown, images, 0))
    # Rounding to integers may fall either way where a value lies between two.
    tolerance = 1 if dtype in ("uint8", "int32") else 0.26
    np.testing.assert_allclose(
        out.astype("float32"), want.astype("float32"), atol=tolerance
    )
    assert (out != images).any(axis=(1, 2, 3)).all()
    assert out.min() >= 0 and out.max() <= 255


@pytest.mark.parametrize("shape,patch", [((8, 16, 3), (4, 8)), ((12, 8, 4), 4)])
def test_rectangles_and_channels(shape, patch):
    images = np.random.default_rng(1).uniform(-1, 1, (3, *shape)).astype("float32")
    layer = MaskReconstruct(make_mae(shape, patch, value_range=(-1, 1)), 0.5)
    out = to_numpy(layer(images))
    assert out.shape == images.shape
    assert 0 < (out == images).mean() < 1 and np.abs(out).max() <= 1


def test_strategies_keep_opposite_patches(mae, images):
    kept = {}
    for strategy in ("attention", "low_attention"):
        out = to_numpy(MaskReconstruct(mae, 0.6, strategy)(images))
        changed = (out != images).reshape(16, 3, 4, 3, 4).any(axis=(2, 4))
        kept[strategy] = ~changed
    # 9 patches, 4 kept by each strategy: no patch is in both.
    assert not (kept["attention"] & kept["low_attention"]).any()


def test_the_shortcuts_ask_another_map_of_attention(mae, images):
    for name, options in {
        "attention_block": dict(block=0),
        "attention_resolution": dict(resolution=8),
    }.items():
        layer = MaskReconstruct(mae, 0.5, **{name: list(options.values())[0]})
        visible = keras_mra.masking.visible_patches(
            mae.attention(images, **options), 0.5
        )
        shown = to_numpy(visible_pixels(visible, mae.grid, (12, 12)))
        out = to_numpy(layer(images))
        np.testing.assert_array_equal(
            np.where(shown, out, 0), np.where(shown, images, 0)
        )


def test_random_ignores_attention(mae, images):
    layer = MaskReconstruct(mae, 0.5, "random", seed=0)
    assert (to_numpy(layer(images)) != to_numpy(layer(images))).any()


def test_seeds(mae, images):
    make = lambda: MaskReconstruct(mae, 0.5, temperature=1.0, seed=7)  # noqa: E731
    first, second = make(), make()
    a, b = to_numpy(first(images)), to_numpy(first(images))
    assert (a != b).any()
    np.testing.assert_array_equal(a, to_numpy(second(images)))
    np.testing.assert_array_equal(b, to_numpy(second(images)))


def test_rate_is_the_fraction_of_samples(mae):
    images = np.full((400, 12, 12, 1), 77, "uint8")
    images[:, ::2] = 3
    out = to_numpy(MaskReconstruct(mae, 0.5, rate=0.3, seed=1)(images))
    changed = (out != images).any(axis=(1, 2, 3)).mean()
    assert 0.2 < changed < 0.4  # 0.3, with a deviation of 0.023
    np.testing.assert_array_equal(
        to_numpy(MaskReconstruct(mae, 0.5, rate=0)(images)), images
    )


def test_other_sizes_need_resize_and_keep_visible_pixels(mae):
    images = np.random.default_rng(0).integers(0, 256, (2, 30, 25, 1)).astype("uint8")
    with pytest.raises(ValueError, match="12x12 pixels.*resize=True.*30x25"):
        MaskReconstruct(mae)(images)
    out = to_numpy(MaskReconstruct(mae, 0.5, resize=True)(images))
    assert out.shape == images.shape and out.dtype == images.dtype
    # Whole patches of the 3x3 grid are kept: rows 10, columns 8 and 9 wide.
    rows = (2 * np.arange(30) + 1) * 3 // 60
    columns = (2 * np.arange(25) + 1) * 3 // 50
    changed = out != images
    kept = [
        not changed[i][np.ix_(rows == r, columns == c)].any()
        for i in range(2)
        for r in range(3)
        for c in range(3)
    ]
    assert sum(kept) == 2 * 5  # 9 - round(4.5) patches of each image


def test_mixed_precision_does_not_round_pixels(mae):
    images = np.random.default_rng(0).uniform(0, 255, (4, 12, 12, 1)).astype("float32")
    layer = MaskReconstruct(
        make_mae(dtype="mixed_bfloat16"), 0.5, dtype="mixed_bfloat16"
    )
    out = to_numpy(layer(ops.convert_to_tensor(images)))
    assert out.dtype == np.float32
    same = (out == images).reshape(4, 3, 4, 3, 4).all(axis=(2, 4))
    assert (same.sum(axis=(1, 2)) == 5).all()


# --- freezing, saving, sharing ------------------------------------------------


def test_frozen_through_fit_load_and_clone(mae, images, tmp_path):
    model = classifier(MaskReconstruct(mae, 0.5, seed=3))
    labels = np.arange(16) % 3
    weights = model.layers[0].mae.get_weights()
    model.fit(images, labels, verbose=0, batch_size=6)  # 6, 6, 4: a partial batch
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    cloned = keras.models.clone_model(model)
    cloned.compile("sgd", "sparse_categorical_crossentropy")
    for m in (model, loaded, cloned):
        assert len(m.trainable_variables) == 2
        m.trainable = False
        m.trainable = True
        assert len(m.trainable_variables) == 2
        m.fit(images, labels, verbose=0)
        for before, after in zip(weights, m.layers[0].mae.get_weights()):
            np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(
        to_numpy(loaded.layers[0](images)), to_numpy(MaskReconstruct(mae, 0.5)(images))
    )


def test_no_gradient_reaches_the_mae_or_comes_through_its_paint(mae, images):
    layer = MaskReconstruct(mae, 0.5)
    assert layer.trainable_variables == [] and not layer.trainable
    assert all(not v.trainable for v in layer.mae.variables)
    assert len(layer.non_trainable_variables) > 0


def test_loaded_model_gives_the_same_output(mae, images, tmp_path):
    model = classifier(MaskReconstruct(mae, 0.5, seed=3))
    want = to_numpy(model(images, training=False))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        to_numpy(loaded(images, training=False)), want, atol=1e-6
    )


def test_the_callers_mae_stays_trainable_and_apart(images):
    mae = make_mae()
    count = len(mae.trainable_variables)
    layer = MaskReconstruct(mae, 0.5)
    before = to_numpy(layer(images))
    mae.compile("adam")
    mae.fit(images, verbose=0)
    assert len(mae.trainable_variables) == count > 0
    np.testing.assert_array_equal(to_numpy(layer(images)), before)


def test_copy_false_shares_and_freezes(images):
    mae = make_mae()
    layer = MaskReconstruct(mae, 0.5, copy=False)
    assert layer.mae is mae and mae.trainable_variables == []


def test_two_layers_share_one_saved_mae(images, tmp_path):
    mae = make_mae()
    x = keras.Input((12, 12, 1))
    layers = [MaskReconstruct(mae, r, copy=False) for r in (0.3, 0.6)]
    outputs = keras.layers.Add()([layer(x) for layer in layers])
    keras.Model(x, outputs).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    found = [m for m in loaded.layers if isinstance(m, MaskReconstruct)]
    assert [m.mask_ratio for m in found] == [0.3, 0.6]
    for layer in found:
        np.testing.assert_allclose(
            to_numpy(layer.mae.encode(images)), to_numpy(mae.encode(images)), atol=1e-5
        )


def test_config_round_trip(mae):
    layer = MaskReconstruct(
        mae,
        0.3,
        "low_attention",
        temperature=0.5,
        rate=0.25,
        seed=9,
        resize=True,
        attention_block=0,
        attention_resolution=(8, 4),
    )
    again = MaskReconstruct.from_config(layer.get_config())
    for name in set(layer.get_config()) - {"mae"}:
        assert getattr(again, name, None) == getattr(layer, name, None), name
    document = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(document)
    assert again.attention_resolution == (8, 4)


def test_pickle(mae, images):
    layer = MaskReconstruct(mae, 0.5)
    want = to_numpy(layer(images))
    again = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(to_numpy(again(images)), want)


def test_strip_augmentation(mae, images, tmp_path):
    inner = keras.layers.Pipeline([MaskReconstruct(mae, 0.5), keras.layers.Identity()])
    x = keras.Input((12, 12, 1))
    y = keras.layers.Flatten()(MaskReconstruct(mae, 0.5)(inner(x)))
    functional = keras.Model(x, keras.layers.Dense(2)(y))
    images = images.astype("float32")
    for model in (functional, classifier(MaskReconstruct(mae, 0.5), dtype="float32")):
        stripped = keras_mra.strip_augmentation(model)
        kinds = {type(layer) for layer in stripped._flatten_layers()}
        assert MaskReconstruct not in kinds
        np.testing.assert_allclose(
            to_numpy(stripped(images)), model.predict(images, verbose=0), rtol=1e-5
        )
        assert len(stripped.trainable_variables) == len(model.trainable_variables)


def test_a_layer_that_returns_masks_is_not_stripped(mae):
    x = keras.Input((12, 12, 1))
    y, _ = MaskReconstruct(mae, 0.5, return_visible=True)(x)
    with pytest.raises(ValueError, match="images to images.*return_visible=True"):
        keras_mra.strip_augmentation(keras.Model(x, y))


@pytest.mark.skipif(BACKEND == "torch", reason="Keras exports SavedModel on TF and JAX")
def test_exported_model_does_not_augment(mae, images, tmp_path):
    tf = pytest.importorskip("tensorflow")
    model = classifier(MaskReconstruct(mae, 0.5), dtype="float32")
    images = images.astype("float32")
    keras_mra.strip_augmentation(model).export(str(tmp_path / "m"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "m"))  # its functions need it alive
    np.testing.assert_allclose(
        np.asarray(loaded.serve(images)), model.predict(images, verbose=0), rtol=1e-4
    )


# --- bad input ----------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments,message",
    [
        (dict(mask_ratio=1.0), r"`mask_ratio` must be in \(0, 1\).*1.0"),
        (dict(mask_ratio=0.01), "`mask_ratio` must keep and drop.*drop none of the 9"),
        (dict(strategy="best"), "`strategy` must be one of .*random.*'best'"),
        (dict(temperature=-1), "`temperature` must be .*-1"),
        (dict(rate=1.5), r"`rate` must be in \[0, 1\].*1.5"),
        (dict(attention_block=2), "`attention_block` must be .*2 blocks.*=2"),
        (dict(attention_resolution=20_000), "`attention_resolution` must be at most 8"),
        (dict(attention_resolution=7), "`attention_resolution` must be divisible.*7"),
    ],
)
def test_bad_arguments(mae, arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskReconstruct(mae, **arguments)


def test_a_non_mae_is_refused():
    with pytest.raises(ValueError, match="`mae` must be a `keras_mra.MAE`.*Sequential"):
        MaskReconstruct(keras.Sequential())


@pytest.mark.parametrize(
    "images,message",
    [
        (np.zeros((2, 12, 12, 3)), "1 channels.*shape \\(2, 12, 12, 3\\)"),
        (np.zeros((12, 12)), "must be images of shape.*\\(12, 12\\)"),
        (np.full((2, 12, 12, 1), np.nan, "float32"), "must be finite.*NaN"),
        (np.full((2, 12, 12, 1), 300.0, "float32"), "value_range.*300"),
        (np.zeros((2, 12, 12, 1), bool), "integers or floats.*bool"),
    ],
)
def test_bad_images(mae, images, message):
    with pytest.raises(ValueError, match=message):
        MaskReconstruct(mae)(images)


def test_the_other_convention_warns(mae):
    images = np.random.default_rng(0).uniform(0, 1, (2, 12, 12, 1)).astype("float32")
    with pytest.warns(UserWarning, match=r"multiply them by 255"):
        MaskReconstruct(mae)(images)


def test_dict_without_images(mae):
    with pytest.raises(ValueError, match="under 'images'.*pixels"):
        MaskReconstruct(mae)({"pixels": np.zeros((2, 12, 12, 1))})


def test_norm_pix_loss_warns_and_can_be_restored(images):
    mae = make_mae(norm_pix_loss=True)
    with pytest.warns(UserWarning, match="restore_patch_statistics=True"):
        MaskReconstruct(mae)
    out = to_numpy(MaskReconstruct(mae, 0.5, restore_patch_statistics=True)(images))
    # Painted patches have the mean of those they replace, up to clipping and rounding.
    means = images.reshape(16, 3, 4, 3, 4).mean(axis=(2, 4))
    got = out.reshape(16, 3, 4, 3, 4).mean(axis=(2, 4))
    assert np.abs(got - means).mean() < 25


def test_numbers_of_numpy_are_saved(mae):
    layer = MaskReconstruct(
        mae,
        np.float32(0.5),
        temperature=np.float32(1),
        rate=np.float32(0.5),
        seed=np.uint8(3),
        attention_block=np.int32(0),
        attention_resolution=np.int64(8),
    )
    config = {k: v for k, v in layer.get_config().items() if k not in ("mae", "dtype")}
    assert json.loads(json.dumps(config))["attention_resolution"] == [8, 8]


@pytest.mark.parametrize(
    "mask_ratio", [(0.25, 0.75), [0.5], True, float("nan"), None, "0.5", 0.0, 1.0]
)
def test_bad_mask_ratios(mae, mask_ratio):
    with pytest.raises(ValueError, match="`mask_ratio` must be .*in .0, 1.*Received"):
        MaskReconstruct(mae, mask_ratio)
