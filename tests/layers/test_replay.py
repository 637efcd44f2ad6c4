"""MaskReconstruct(return_visible=True), and views that are made again from it."""

import keras
import numpy as np
import pytest
from helpers.small_augmentor import to_numpy
from keras import ops

from keras_mra.layers import MaskReconstruct


def make(mae, **kwargs):
    kwargs = {"mask_ratio": 0.6, "temperature": 1.0, "seed": 0, **kwargs}
    return MaskReconstruct(mae, return_visible=True, **kwargs)


def assert_same_pixels(a, b):
    # Rounding to integers may fall either way where a value lies between two.
    assert np.abs(to_numpy(a).astype(int) - to_numpy(b).astype(int)).max() <= 1


def kept_patches(images, out):
    same = to_numpy(out) == images
    return same.reshape(-1, 3, 4, 3, 4).all(axis=(2, 4)).reshape(-1, 9)


@pytest.mark.parametrize("as_tensor", [False, True])
def test_visible_names_the_patches_that_stay(mae, images, as_tensor):
    given = ops.convert_to_tensor(images) if as_tensor else images
    out, visible = make(mae)(given)
    assert keras.backend.standardize_dtype(visible.dtype) == "int32"
    kept = np.zeros((16, 9), bool)
    np.put_along_axis(kept, to_numpy(visible), True, axis=1)
    assert (kept.sum(axis=1) == 4).all()
    np.testing.assert_array_equal(kept_patches(images, out), kept)
    found = make(mae)({"images": given})
    assert set(found) == {"images", "visible"}
    np.testing.assert_array_equal(to_numpy(found["visible"]), to_numpy(visible))
    np.testing.assert_array_equal(to_numpy(found["images"]), to_numpy(out))


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("rate", [1.0, 0.5, 0.0])
def test_a_view_is_made_again(mae, images, as_tensor, rate):
    given = ops.convert_to_tensor(images) if as_tensor else images
    layer = make(mae, rate=rate)
    first = layer({"images": given, "labels": 3})
    changed = (to_numpy(first["images"]) != images).any(axis=(1, 2, 3))
    assert changed.any() == (rate > 0) and changed.all() == (rate == 1)
    np.testing.assert_array_equal(to_numpy(first["visible"])[:, 0] >= 0, changed)
    assert (to_numpy(first["visible"])[~changed] == -1).all()
    for other in (
        layer,
        make(mae, rate=1.0, seed=5),
        make(mae, rate=0.0),
        make(mae, rate=0.5, strategy="random", mask_ratio=0.3),
    ):
        again = other({**first, "images": given})
        assert_same_pixels(again["images"], first["images"])
        np.testing.assert_array_equal(
            to_numpy(again["visible"]), to_numpy(first["visible"])
        )
        assert again["labels"] == 3
    plain = MaskReconstruct(mae)
    again = plain({"images": given, "visible": first["visible"]})
    assert_same_pixels(again["images"], first["images"])
    assert again["visible"] is first["visible"]


def test_replaying_draws_nothing(mae, images):
    layer = make(mae, rate=0.5)
    before = to_numpy(layer.seed_generator.state.value)
    layer({"images": images, "visible": np.tile(np.arange(4), (16, 1))})
    np.testing.assert_array_equal(before, to_numpy(layer.seed_generator.state.value))


def test_single_images_and_any_number_of_patches(mae, images):
    layer = make(mae)
    out, visible = layer(images[0])
    assert tuple(visible.shape) == (4,) and tuple(out.shape) == (12, 12, 1)
    again = layer({"images": images[0], "visible": to_numpy(visible)})
    assert_same_pixels(again["images"], out)
    again = layer({"images": images[0], "visible": [8, 2]})
    assert list(np.nonzero(kept_patches(images[:1], again["images"])[0])[0]) == [2, 8]
    again = layer({"images": ops.convert_to_tensor(images[0]), "visible": [8, 2]})
    assert list(np.nonzero(kept_patches(images[:1], again["images"])[0])[0]) == [2, 8]


def test_without_training_all_rows_are_unchanged(mae, images):
    layer = make(mae)
    for given in (images, ops.convert_to_tensor(images)):
        out, visible = layer(given, training=False)
        np.testing.assert_array_equal(to_numpy(out), images)
        np.testing.assert_array_equal(to_numpy(visible), np.full((16, 4), -1))
        found = layer({"images": given}, training=False)
        again = layer(found)
        np.testing.assert_array_equal(to_numpy(again["images"]), images)


def test_protected_pixels_stay_in_a_view_made_again(mae, images):
    masks = np.zeros((16, 12, 12), "uint8")
    masks[:, 3:9, 3:9] = 1  # touches all patches
    masks[::2, :, 4:] = masks[::2, 4:] = 0  # touches the first patch
    given = {"images": images, "segmentation_masks": masks}
    layer = make(mae, protect="segmentation_masks")
    first = layer(given)
    again = layer({**first, "images": images})
    assert_same_pixels(first["images"], again["images"])
    out = to_numpy(layer({**given, "visible": np.tile([8, 7], (16, 1))})["images"])
    np.testing.assert_array_equal(out[1::2], images[1::2])
    assert (kept_patches(images, out)[::2] == [1, 0, 0, 0, 0, 0, 0, 1, 1]).all()


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_in_tf_data(mae, images, batched, training):
    tf = pytest.importorskip("tensorflow")
    layer = make(mae)

    def both(given):
        first = layer(given, training=training)
        again = layer({**first, "images": given["images"]})
        return first, again

    data = tf.data.Dataset.from_tensor_slices({"images": images})
    data = data.batch(16).map(both) if batched else data.map(both).batch(16)
    spec = data.element_spec[0]["visible"]
    assert spec.shape[1:] == (4,) and spec.dtype == tf.int32
    first, again = next(iter(data.as_numpy_iterator()))
    assert_same_pixels(first["images"], again["images"])
    np.testing.assert_array_equal(first["visible"], again["visible"])
    changed = (first["images"] != images).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, training)
    pair = tf.data.Dataset.from_tensor_slices(images).batch(16).map(layer)
    assert [len(s.shape) for s in pair.element_spec] == [4, 2]


def test_in_tf_data_of_unknown_size(mae, images):
    tf = pytest.importorskip("tensorflow")
    layer = make(mae, resize=True)
    spec = tf.TensorSpec([None, None, None, 1], tf.uint8)
    data = tf.data.Dataset.from_generator(lambda: [images], output_signature=spec)
    (element,) = data.map(layer).map(
        lambda out, visible: (out, visible, layer({"images": out, "visible": visible}))
    )
    assert element[1].shape == (16, 4)
    np.testing.assert_array_equal(
        kept_patches(images, element[0].numpy()).sum(axis=1), 4
    )
    np.testing.assert_array_equal(element[2]["visible"], element[1])


def test_in_a_functional_model(mae, images, tmp_path):
    x = keras.Input((12, 12, 1), dtype="uint8")
    out, visible = make(mae)(x)
    assert out.shape == (None, 12, 12, 1) and visible.shape == (None, 4)
    first = keras.Model(x, {"images": out, "visible": visible})
    inputs = {"images": x, "visible": keras.Input((4,), dtype="int32")}
    second = keras.Model(inputs, make(mae)(inputs))
    first.save(tmp_path / "first.keras")
    second.save(tmp_path / "second.keras")
    first = keras.models.load_model(tmp_path / "first.keras")
    second = keras.models.load_model(tmp_path / "second.keras")
    view = first(images, training=True)
    given = {**view, "images": ops.convert_to_tensor(images)}
    again = second(given, training=True)
    assert (to_numpy(view["images"]) != images).any(axis=(1, 2, 3)).all()
    assert_same_pixels(again["images"], view["images"])
    prediction = first.predict(images, verbose=0)
    np.testing.assert_array_equal(prediction["images"], images)
    assert (prediction["visible"] == -1).all()


def test_grain(mae, images):
    pytest.importorskip("grain")
    layer = make(mae, strategy="random")
    rng = np.random.default_rng(3)
    out, visible = layer.random_map(images[0], rng)
    assert isinstance(visible, np.ndarray) and visible.shape == (4,)
    again = layer.random_map({"images": images[0], "visible": visible}, rng)
    assert_same_pixels(again["images"], out)


def test_saving(mae, images):
    layer = make(mae)
    again = MaskReconstruct.from_config(layer.get_config())
    assert again.return_visible is True
    assert len(again(images)) == 2


@pytest.mark.parametrize(
    "visible,message",
    [
        (np.zeros((16, 2), int), "at most once"),
        (np.full((16, 1), 9), "from 0 to 8.*from 9 to 9"),
        (np.array([[0, -1]] * 16), "from 0 to 8.*from -1 to 0"),
        (np.zeros((3, 1), int), "one row of patch indices per image.*3 rows for 16"),
        (np.zeros((16,), int), r"shape \(batch, kept\).*\(16,\)"),
        (np.zeros((16, 1)), "must hold integers.*float64"),
        (np.full((16, 2), -1.0), "must hold integers.*float64"),
        (np.full((16, 1), "0"), "must hold integers.*str"),
        (np.zeros((16, 1), bool), "must hold integers.*bool"),
        (np.zeros((16, 0), int), "must keep at least one patch"),
        (np.array([[0, 1], [0, -1]] * 8), "from 0 to 8.*from -1 to 1"),
        ([[0, 1], [2]] * 8, "`visible` must be an array.*of type list"),
    ],
)
def test_bad_patches_to_replay(mae, images, visible, message):
    with pytest.raises(ValueError, match=message):
        make(mae)({"images": images, "visible": visible})
