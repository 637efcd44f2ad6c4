"""RandomResizedCrop against Pillow and closed forms."""

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from keras_mra.layers import RandomResizedCrop
from keras_mra.views import random_resized_crop

pytestmark = pytest.mark.usefixtures("quick_compilation")


def crop_of(images, top, left, height, width):
    """The layer's resampling of one known box, in units of the image."""
    weights = [
        random_resized_crop._resampling_weights(
            ops.convert_to_tensor([start], "float32"),
            ops.convert_to_tensor([extent], "float32"),
            size,
        )
        for start, extent, size in [
            (top, height, images.shape[1]),
            (left, width, images.shape[2]),
        ]
    ]
    rows, columns = (ops.convert_to_numpy(w)[0] for w in weights)
    return np.einsum("ij,bjkc,lk->bilc", rows, images.astype("float32"), columns)


@pytest.mark.parametrize(
    "box", [(0.0, 0.0, 1.0, 1.0), (0.25, 0.5, 0.5, 0.25), (0.13, 0.31, 0.6, 0.44)]
)
def test_against_pillow(rng, box):
    """Inside the box it is Pillow's bilinear resize, which knows no pixel outside."""
    size = (24, 36)
    image = rng.integers(0, 256, (*size, 3), dtype="uint8")
    top, left, height, width = box
    pillow = Image.fromarray(image).resize(
        (36, 24),
        Image.Resampling.BILINEAR,
        box=(left * 36, top * 24, (left + width) * 36, (top + height) * 24),
    )
    found = np.rint(crop_of(image[None], top, left, height, width)[0])
    # At the box's border, Pillow repeats the last pixel inside, we look outside.
    edge_rows, edge_columns = (int(np.ceil(0.5 / e)) + 1 for e in (height, width))
    inner = (slice(edge_rows, -edge_rows), slice(edge_columns, -edge_columns))
    difference = np.abs(found - np.asarray(pillow, "float32"))[inner]
    assert difference.max() <= 1  # Pillow rounds between its two passes


def reference_crop(image, top, left, height, width):
    """Bilinear interpolation at each output pixel's centre, edges repeated."""
    rows, columns, _ = image.shape
    result = np.empty(image.shape, "float64")
    for i in range(rows):
        for j in range(columns):
            y = np.clip((top + height * (i + 0.5) / rows) * rows - 0.5, 0, rows - 1)
            x = (left + width * (j + 0.5) / columns) * columns - 0.5
            x = np.clip(x, 0, columns - 1)
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, rows - 1), min(x0 + 1, columns - 1)
            dy, dx = y - y0, x - x0
            upper = image[y0, x0] * (1 - dx) + image[y0, x1] * dx
            lower = image[y1, x0] * (1 - dx) + image[y1, x1] * dx
            result[i, j] = upper * (1 - dy) + lower * dy
    return result


@pytest.mark.parametrize("box", [(0.0, 0.4, 0.5, 0.6), (0.31, 0.02, 0.47, 0.9)])
def test_against_numpy(rng, box):
    image = rng.uniform(size=(9, 14, 2))
    np.testing.assert_allclose(
        crop_of(image[None], *box)[0], reference_crop(image, *box), atol=1e-5
    )


def test_the_layer_cuts_the_boxes_it_draws(rng):
    """Each image is some box of the asked area and aspect: a gradient shows which."""
    rows, columns = 20, 30
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    ramps = np.stack([y, x], axis=-1).astype("float32")
    images = np.tile(ramps, (64, 1, 1, 1))
    view = RandomResizedCrop(scale=(0.2, 0.6), ratio=(0.5, 2.0), seed=0)
    found = ops.convert_to_numpy(view(images))
    # Slopes in the middle, where no edge is repeated.
    height = (found[:, 12, 15, 0] - found[:, 8, 15, 0]) / 4
    width = (found[:, 10, 18, 1] - found[:, 10, 12, 1]) / 6
    area, aspect = height * width, width / height
    assert area.min() > 0.2 - 1e-3 and area.max() < 0.6 + 1e-3
    assert aspect.min() > 0.5 - 1e-2 and aspect.max() < 2.0 + 1e-2
    assert area.std() > 0.05 and np.log(aspect).std() > 0.2
    centre = found[:, 9:11, 14:16].mean(axis=(1, 2))
    assert (centre.std(axis=0) > 1).all()
    # The box lies in the image.
    top = centre[:, 0] + 0.5 - height * rows / 2
    left = centre[:, 1] + 0.5 - width * columns / 2
    assert top.min() > -0.1 and (top + height * rows).max() < rows + 0.1
    assert left.min() > -0.1 and (left + width * columns).max() < columns + 0.1


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
def test_the_whole_image_is_itself(rng, dtype):
    images = rng.integers(0, 256, (3, 8, 12, 3)).astype(dtype)
    view = RandomResizedCrop(scale=(1, 1), ratio=(1, 1), seed=0)
    found = ops.convert_to_numpy(view(images))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, images, atol=1e-2 if dtype != "uint8" else 0)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
def test_dtype_shape_and_range_are_kept(rng, dtype):
    images = rng.integers(0, 256, (4, 8, 12, 1)).astype(dtype)
    found = ops.convert_to_numpy(RandomResizedCrop(seed=0)(images))
    assert found.dtype == dtype and found.shape == images.shape
    assert np.abs(found.astype("float32") - images.astype("float32")).max() > 10
    assert found.min() >= images.min() and found.max() <= images.max()


def test_a_mixed_policy_does_not_round_pixels(rng):
    images = rng.uniform(0, 255, (2, 8, 8, 1)).astype("float32")
    view = RandomResizedCrop((1, 1), (1, 1), seed=0, dtype="mixed_bfloat16")
    found = view(images)
    assert ops.dtype(found) == "float32"
    np.testing.assert_allclose(ops.convert_to_numpy(found), images, atol=1e-3)


def test_without_training_images_pass(rng):
    images = rng.integers(0, 256, (2, 8, 12, 3), dtype="uint8")
    found = RandomResizedCrop(seed=0)(images, training=False)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), images)


def test_seeds(rng):
    images = rng.uniform(size=(2, 8, 8, 1)).astype("float32")

    def crops(seed):
        view = RandomResizedCrop(seed=seed)
        return [ops.convert_to_numpy(view(images)) for _ in range(2)]

    one, same, other = crops(1), crops(1), crops(2)
    np.testing.assert_array_equal(one, same)
    assert np.abs(one[0] - one[1]).max() > 1e-3
    assert np.abs(one[0] - other[0]).max() > 1e-3


def test_in_a_model_under_fit_and_predict(rng):
    """`fit` crops, `predict` does not."""
    images = rng.uniform(size=(10, 8, 8, 1)).astype("float32")
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), RandomResizedCrop((0.2, 0.3), seed=0)]
    )

    class Difference(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.abs(y_true - y_pred), axis=(1, 2, 3))

    model.compile("sgd", loss=Difference())
    history = model.fit(images, images, batch_size=4, verbose=0)
    assert history.history["loss"][0] > 0.01
    np.testing.assert_array_equal(model.predict(images, verbose=0), images)
    assert model.evaluate(images, images, verbose=0) == 0


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.data traces TensorFlow only"
)
def test_in_tf_data(rng):
    import tensorflow as tf

    images = rng.integers(0, 256, (10, 8, 8, 3), dtype="uint8")
    view = RandomResizedCrop(seed=0)
    batches = tf.data.Dataset.from_tensor_slices(images).batch(4).map(view)
    found = np.concatenate([b.numpy() for b in batches])
    assert found.shape == images.shape and found.dtype == "uint8"
    assert (found != images).any()


def test_is_serializable():
    view = RandomResizedCrop((0.3, 0.9), (0.8, 1.25), seed=4)
    config = keras.saving.serialize_keras_object(view)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == view.get_config()


def test_bad_arguments():
    with pytest.raises(ValueError, match="`scale`.*at most 1.*scale="):
        RandomResizedCrop(scale=(0.2, 1.5))
    with pytest.raises(ValueError, match="`ratio`.*ratio="):
        RandomResizedCrop(ratio=(2, 0.5))


def test_a_seed_generator_is_restored(rng):
    layer = RandomResizedCrop(seed=keras.random.SeedGenerator(3))
    saved = keras.saving.serialize_keras_object(layer)
    copy = keras.saving.deserialize_keras_object(saved)
    images = rng.uniform(0, 255, (2, 8, 8, 1)).astype("float32")
    found, again = (ops.convert_to_numpy(x(images)) for x in (layer, copy))
    np.testing.assert_array_equal(found, again)
