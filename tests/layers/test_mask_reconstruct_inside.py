"""MaskReconstruct inside models and input pipelines."""

import keras
import numpy as np
import pytest
from helpers.small_augmentor import classifier
from helpers.small_augmentor import to_numpy
from keras import ops

from keras_mra import backend
from keras_mra.layers import MaskReconstruct

BACKEND = keras.backend.backend()


def test_single_image_dict_and_training_flag(mae, images):
    layer = MaskReconstruct(mae, 0.5)
    batch = to_numpy(layer(images))
    np.testing.assert_allclose(
        to_numpy(layer(images[0])).astype(int), batch[0].astype(int), atol=1
    )
    labels = ["any", "thing"]
    given = {"images": images, "labels": labels}
    out = layer(given)
    assert out["labels"] is labels and given["images"] is images
    np.testing.assert_array_equal(to_numpy(out["images"]), batch)
    np.testing.assert_array_equal(to_numpy(layer(images, training=False)), images)
    tensor = ops.convert_to_tensor(images)
    np.testing.assert_array_equal(to_numpy(layer(tensor, training=False)), images)
    assert (to_numpy(layer(tensor)) != images).any()


class Spy(keras.layers.Layer):
    """Tells how far its input is from the images 3 and 77 that it was fed."""

    def call(self, x):
        return ops.max(ops.abs(ops.cast(x, "float32") - 77.0), axis=(1, 2, 3))


def test_fit_augments_evaluate_and_predict_do_not(mae):
    images = np.full((8, 12, 12, 1), 77, "uint8")
    model = keras.Sequential(
        [keras.Input((12, 12, 1), dtype="uint8"), MaskReconstruct(mae, 0.5), Spy()]
    )
    model.compile(loss=lambda y, x: ops.mean(x))
    loss = model.fit(images, np.zeros(8), verbose=0).history["loss"][0]
    assert loss > 1
    assert model.evaluate(images, np.zeros(8), verbose=0) == 0
    assert (model.predict(images, verbose=0) == 0).all()


def test_inside_a_subclassed_model(mae, images):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.augment = MaskReconstruct(mae, 0.5)

        def call(self, x, training=None):
            return self.augment(x, training=training)

    np.testing.assert_array_equal(Model().predict(images, verbose=0), images)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("as_dict", [True, False])
def test_in_tf_data(mae, images, batched, as_dict):
    tf = pytest.importorskip("tensorflow")
    layer = MaskReconstruct(mae, 0.5)
    want = to_numpy(layer(images)).astype(int)
    data = tf.data.Dataset.from_tensor_slices(
        {"images": images, "labels": np.arange(16)} if as_dict else images
    )
    data = data.batch(16).map(layer) if batched else data.map(layer).batch(16)
    spec = data.element_spec["images"] if as_dict else data.element_spec
    assert spec.shape[1:] == (12, 12, 1) and spec.dtype == tf.uint8
    got = next(iter(data))
    if as_dict:
        np.testing.assert_array_equal(got["labels"], np.arange(16))
        got = got["images"]
    np.testing.assert_allclose(got.numpy().astype(int), want, atol=1)


def test_in_tf_data_of_unknown_size_and_in_parallel(mae, images):
    tf = pytest.importorskip("tensorflow")
    layer = MaskReconstruct(mae, 0.5, resize=True)
    spec = tf.TensorSpec([None, None, 1], tf.uint8)
    sizes = [(12, 12), (20, 30), (9, 7), (33, 12)] * 4
    make = lambda: (np.full((*s, 1), 9, "uint8") for s in sizes)  # noqa: E731
    data = tf.data.Dataset.from_generator(make, output_signature=spec)
    data = data.map(layer, num_parallel_calls=4)
    assert [tuple(x.shape[:2]) for x in data] == sizes


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has such models")
def test_in_a_model_for_images_of_any_size(mae, images):
    model = keras.Sequential(
        [
            keras.Input((None, None, 1), dtype="uint8"),
            MaskReconstruct(mae, 0.5, resize=True),
        ]
    )
    model.compile(loss="mse", metrics=["mae"], run_eagerly=False, jit_compile=False)
    large = np.repeat(images, 2, axis=1)
    assert model.evaluate(large, large, verbose=0)[1] == 0
    assert (to_numpy(model(large, training=True)) != large).any()
    import tensorflow as tf

    spec = tf.TensorSpec((None, None, None, 1), tf.uint8)
    for training in (False, True):
        graph = tf.function(
            lambda x, training=training: model(x, training=training),
            input_signature=[spec],
        )
        changed = (graph(large).numpy() != large).any()
        assert changed == training


def test_fit_on_a_mapped_tf_data(mae, images):
    tf = pytest.importorskip("tensorflow")
    layer = MaskReconstruct(mae, 0.5, rate=0.5)
    data = tf.data.Dataset.from_tensor_slices((images, np.arange(16) % 3)).batch(8)
    data = data.map(lambda x, y: (layer(x), y))
    model = classifier(keras.layers.Identity())
    assert np.isfinite(model.fit(data, verbose=0).history["loss"]).all()


def test_in_grain(mae, images):
    grain = pytest.importorskip("grain")
    layer = MaskReconstruct(mae, 0.5)
    want = to_numpy(layer(images)).astype(int)
    batch = grain.MapDataset.source(images).map(layer).batch(16)[0]
    np.testing.assert_allclose(np.asarray(batch).astype(int), want, atol=1)
    rows = [{"images": x, "labels": i} for i, x in enumerate(images)]
    stream = grain.MapDataset.source(rows).map(layer).batch(8).to_iter_dataset()
    batches = list(stream)
    np.testing.assert_array_equal(batches[1]["labels"], np.arange(8, 16))
    np.testing.assert_allclose(
        np.asarray(batches[1]["images"]).astype(int), want[8:], atol=1
    )


def test_grain_random_map_depends_on_the_index_alone(mae, images):
    grain = pytest.importorskip("grain")
    layer = MaskReconstruct(mae, 0.5, "random", seed=0)
    make = lambda: grain.MapDataset.source(images).seed(4)  # noqa: E731
    data = make().random_map(layer.random_map)
    backwards = [np.asarray(data[i]) for i in reversed(range(8))][::-1]
    again = make().random_map(layer.random_map)
    np.testing.assert_array_equal(backwards, [np.asarray(again[i]) for i in range(8)])
    changed = [(a != b).reshape(-1) for a, b in zip(backwards, images)]
    assert len({c.tobytes() for c in changed}) > 4  # masks differ between elements
    other = grain.MapDataset.source(images).seed(5).random_map(layer.random_map)
    assert any((np.asarray(other[i]) != backwards[i]).any() for i in range(8))


def test_in_a_keras_pipeline(mae, images):
    layer = MaskReconstruct(mae, 0.5)
    pipeline = keras.layers.Pipeline([keras.layers.RandomFlip(seed=0), layer])
    out = to_numpy(pipeline(images, training=True))
    assert out.shape == images.shape
    np.testing.assert_array_equal(to_numpy(pipeline(images, training=False)), images)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="KerasCV's own layers run on TF")
def test_beside_and_inside_keras_cv(mae):
    # KerasCV 0.9, its last version, imports what Keras 3.16 no longer has.
    keras_cv = pytest.importorskip("keras_cv", exc_type=ImportError)
    images = np.random.default_rng(0).uniform(0, 255, (8, 12, 12, 1)).astype("float32")
    labels = np.eye(3, dtype="float32")[np.arange(8) % 3]
    # KerasCV takes no NumPy labels beside tensors.
    given = {
        "images": ops.convert_to_tensor(images),
        "labels": ops.convert_to_tensor(labels),
    }
    layer = MaskReconstruct(mae, 0.5)
    flipped = keras_cv.layers.RandomFlip()(given)
    out = keras_cv.layers.Augmenter([keras_cv.layers.RandomFlip(), layer])(given)
    assert set(layer(flipped)) == set(out) == {"images", "labels"}
    np.testing.assert_array_equal(to_numpy(out["labels"]), labels)
    assert (to_numpy(out["images"]) != images).any()


@pytest.mark.parametrize(
    "shortcuts", [dict(attention_resolution=8), dict(resize=True, attention_block=0)]
)
def test_fit_compiled_with_shortcuts(mae, images, shortcuts):
    if "resize" in shortcuts:
        images = np.repeat(images, 2, axis=1)
    model = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            MaskReconstruct(mae, 0.5, seed=0, **shortcuts),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        jit_compile=backend.fastest_jit_compile(),
    )
    history = model.fit(images, np.arange(16) % 2, batch_size=8, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
