"""AttentiveCutout against NumPy, and against the patches that MaskReconstruct keeps."""

import warnings

import keras
import numpy as np
import pytest
from helpers.models import randomize
from helpers.small_augmentor import classifier
from helpers.small_augmentor import make_mae
from helpers.small_augmentor import to_numpy
from keras import ops

import keras_mra
from keras_mra.layers import AttentiveCutout
from keras_mra.layers import MaskReconstruct

GREY = 127


@pytest.fixture(scope="module")
def mae():
    """An autoencoder whose attention differs between patches."""
    return randomize(make_mae())


def kept(attention, ratio=0.4):
    """Booleans `(batch, 3, 3)`: which patches stay, in NumPy."""
    attention = to_numpy(attention)
    order = attention.argsort(axis=1)
    stays = np.zeros(attention.shape, bool)
    np.put_along_axis(stays, order[:, round(9 * ratio) :], True, axis=1)
    return stays.reshape(-1, 3, 3)


def enlarged(stays, side):
    return stays.repeat(side, axis=1).repeat(side, axis=2)[..., None]


def test_the_least_attended_patches_are_grey(mae, images):
    out = to_numpy(AttentiveCutout(mae)(images))
    stays = enlarged(kept(mae.attention(images)), 4)
    assert out.dtype == "uint8"
    np.testing.assert_array_equal(out, np.where(stays, images, GREY))


def test_low_attention_keeps_the_others(mae, images):
    out = to_numpy(AttentiveCutout(mae, 0.4, "low_attention")(images))
    stays = enlarged(kept(-to_numpy(mae.attention(images))), 4)
    np.testing.assert_array_equal(out, np.where(stays, images, GREY))


@pytest.mark.parametrize("strategy, temperature", [("random", 0), ("attention", 1.0)])
def test_patches_are_those_of_mask_reconstruct(mae, images, strategy, temperature):
    arguments = dict(strategy=strategy, temperature=temperature, seed=3)
    repaint = MaskReconstruct(mae, 0.4, return_visible=True, **arguments)
    cutout = AttentiveCutout(mae, 0.4, **arguments)
    for _ in range(2):  # both draw anew
        _, visible = repaint(images)
        stays = np.zeros((len(images), 9), bool)
        np.put_along_axis(stays, to_numpy(visible), True, axis=1)
        expected = np.where(enlarged(stays.reshape(-1, 3, 3), 4), images, GREY)
        np.testing.assert_array_equal(to_numpy(cutout(images)), expected)


def test_images_of_another_size_and_range(images):
    mae = randomize(make_mae(value_range=(0, 1)))
    large = (images / 255).astype("float32").repeat(2, axis=1).repeat(2, axis=2)
    out = to_numpy(AttentiveCutout(mae)(large))
    seen = keras_mra.pixels.resize(ops.convert_to_tensor(large), (12, 12))
    stays = enlarged(kept(mae.attention(seen)), 8)
    np.testing.assert_array_equal(out, np.where(stays, large, np.float32(0.5)))


def test_attention_of_another_grid(mae, images):
    """Scores of six by six patches, for images that the model never paints."""
    scores = keras_mra.attention_of(mae, grid=6)
    out = to_numpy(AttentiveCutout(scores, 0.5)(images))
    changed = (out != images).reshape(16, 6, 2, 6, 2).any(axis=(2, 4))
    assert (changed.reshape(16, -1).sum(axis=1) == 18).all()
    attention = to_numpy(scores(ops.convert_to_tensor(images))).reshape(16, 6, 6)
    highest = np.where(changed, attention, 0).max(axis=(1, 2))
    lowest = np.where(changed, 1, attention).min(axis=(1, 2))
    assert (highest <= lowest).all()


def test_an_encoder_suffices(mae, images):
    encoder = make_mae(decoder_depth=0)
    encoder.encoder.set_weights(mae.encoder.get_weights())
    expected = to_numpy(AttentiveCutout(mae)(images))
    for model in (encoder, keras_mra.attention_of(encoder)):
        np.testing.assert_array_equal(
            to_numpy(AttentiveCutout(model)(images)), expected
        )


def test_the_rate_is_the_share_of_the_images_that_change(mae, images):
    many = np.concatenate([images] * 8)
    layer = AttentiveCutout(mae, rate=0.5, seed=0)
    first, second = (to_numpy(layer(many)) for _ in range(2))
    for out in (first, second):
        assert 0.3 < (out != many).any(axis=(1, 2, 3)).mean() < 0.7
    assert (first != second).any()
    again = AttentiveCutout(mae, rate=0.5, seed=0)
    np.testing.assert_array_equal(to_numpy(again(many)), first)
    plain = AttentiveCutout(mae, rate=0.0)
    np.testing.assert_array_equal(to_numpy(plain(images)), images)


def test_it_augments_in_training_only(mae, images, tmp_path):
    model = classifier(AttentiveCutout(mae, rate=0.5, seed=0))
    model.fit(images, np.zeros(16, "int32"), verbose=0)
    layer = model.layers[0]
    tensor = ops.convert_to_tensor(images)
    np.testing.assert_array_equal(to_numpy(layer(tensor, training=False)), images)
    plain = keras_mra.strip_augmentation(model)
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(plain.predict(images, verbose=0), expected, atol=1e-6)
    assert not layer.trainable_weights
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, atol=1e-6)
    # The restored layer attends as the first one does.
    one, other = (AttentiveCutout.from_config(x.get_config()) for x in (layer, layer))
    np.testing.assert_array_equal(to_numpy(one(images)), to_numpy(other(images)))


def test_a_loaded_layer_keeps_its_patches(mae, images, tmp_path):
    layer = AttentiveCutout(mae, 0.3, seed=1)
    inputs = keras.Input((12, 12, 1), dtype="uint8")
    keras.Model(inputs, layer(inputs)).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[-1]
    assert loaded.mask_ratio == 0.3 and loaded.seed == 1
    np.testing.assert_array_equal(to_numpy(loaded(images)), to_numpy(layer(images)))


def test_single_images_dicts_and_grain(mae, images):
    layer = AttentiveCutout(mae)
    expected = to_numpy(layer(images))
    np.testing.assert_array_equal(to_numpy(layer(images[0])), expected[0])
    given = {"images": images, "labels": "kept"}
    found = layer(given)
    assert given["images"] is images and found["labels"] == "kept"
    np.testing.assert_array_equal(to_numpy(found["images"]), expected)
    views = layer.random_map(images, np.random.default_rng(0))
    np.testing.assert_array_equal(views, expected)


def test_the_callers_model_stays_its_own_unless_shared(mae, images):
    own = randomize(make_mae(), seed=1)
    layer, shared = AttentiveCutout(own), AttentiveCutout(own, copy=False)
    before = to_numpy(layer(images))
    own.set_weights(mae.get_weights())
    np.testing.assert_array_equal(to_numpy(layer(images)), before)
    expected = to_numpy(AttentiveCutout(mae)(images))
    np.testing.assert_array_equal(to_numpy(shared(images)), expected)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_does_not_round_pixels(mae, images, policy):
    pixels = images.astype("float32") + 0.123
    out = AttentiveCutout(mae, dtype=policy)(ops.convert_to_tensor(pixels))
    out = to_numpy(out)
    assert out.dtype == "float32"
    assert np.isin(out, [127.5, *pixels.ravel()]).all()


def test_a_seed_generator_is_shared(mae, images):
    generator = keras.random.SeedGenerator(0)
    layer = AttentiveCutout(mae, rate=0.5, seed=generator)
    before = to_numpy(generator.state).copy()
    layer(ops.convert_to_tensor(images), training=True)
    assert (to_numpy(generator.state) != before).any()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(mask_ratio=1.0), "`mask_ratio` must be"),
        (dict(mask_ratio=0.01), "`mask_ratio` must keep and drop"),
        (dict(strategy="best"), "`strategy` must be"),
        (dict(temperature=-1), "`temperature` must be"),
        (dict(rate=2), "`rate` must be"),
        (dict(seed="a"), "`seed` must be"),
        (dict(copy=1), "`copy` must be"),
    ],
)
def test_bad_arguments(mae, arguments, message):
    with pytest.raises(ValueError, match=message):
        AttentiveCutout(mae, **arguments)


@pytest.mark.parametrize("model", ["mae_nano", None, keras.layers.Dense(3)])
def test_models_without_attention(model):
    expected = "`attention_model` must be a `keras_mra.MAE`, or what .*attention_of"
    with pytest.raises(ValueError, match=expected):
        AttentiveCutout(model)


def test_bad_images(mae):
    layer = AttentiveCutout(mae)
    for make in (np.asarray, ops.convert_to_tensor):
        with pytest.raises(ValueError, match="`inputs` must be finite"):
            layer(make(np.full((2, 12, 12, 1), np.nan, "float32")))
    with pytest.raises(ValueError, match="`inputs` must have 1 channels, as the `att"):
        layer(np.zeros((2, 12, 12, 3), "uint8"))
    with pytest.raises(ValueError, match="`inputs` must have 1 channels, as the `att"):
        layer(keras.Input((12, 12, 3)))
    with pytest.raises(ValueError, match="`inputs` must be images of shape"):
        layer(np.zeros((12, 12), "uint8"))


def test_scores_that_overflow(images):
    mae = make_mae()
    for weight in mae.encoder.get_layer("patch_embedding").weights:
        weight.assign(np.full(weight.shape, 1e38))
    layer = AttentiveCutout(mae)
    for _ in range(2):  # A second try does not pass.
        with pytest.raises(ValueError, match="`attention_model` must return finite"):
            layer(images)


def test_only_an_untrained_encoder_is_warned_of(mae):
    expected = "`attention_model` must be trained, but its encoder still .* at random"
    with pytest.warns(UserWarning, match=expected) as caught:
        AttentiveCutout(make_mae())
    (place,) = {x.filename for x in caught if "must be trained" in str(x.message)}
    assert place == __file__
    half = make_mae()
    half.encoder.set_weights(mae.encoder.get_weights())
    config = AttentiveCutout(mae).get_config()
    config["attention_model"] = keras.saving.serialize_keras_object(
        config["attention_model"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        AttentiveCutout(half)
        AttentiveCutout.from_config(config)
