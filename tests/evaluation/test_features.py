"""Features of every kind of encoder."""

import types

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import compute
from helpers.models import randomize

import keras_mra
from keras_mra import evaluation

pytestmark = pytest.mark.usefixtures("quick_compilation")

SHAPE = (4, 6, 1)


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE(SHAPE, 2, **TINY))


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (10, *SHAPE), dtype="uint8")


@pytest.mark.parametrize(
    "holder", ["mae", pytest.param("msa", marks=pytest.mark.graph)]
)
def test_features_of_an_mae_are_its_pooled_tokens(mae, images, holder):
    tokens = compute(mae.encode, images)
    encoder = mae if holder == "mae" else types.SimpleNamespace(mae=mae)
    cls = evaluation.features(encoder, images, "cls", batch_size=4)
    mean = evaluation.features(encoder, images, "mean", batch_size=4)
    both = evaluation.features(encoder, images, batch_size=64)
    assert both.dtype == "float32" and both.shape == (10, 32)
    np.testing.assert_allclose(cls, tokens[:, 0], atol=1e-4)
    np.testing.assert_allclose(mean, tokens[:, 1:].mean(axis=1), atol=1e-4)
    np.testing.assert_allclose(both, np.hstack([cls, mean]), atol=1e-4)


def test_features_of_a_frozen_third_party_model(images):
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, data_format="channels_last"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
        ]
    )
    model.trainable = False
    before = model.get_weights()
    found = evaluation.features(model, images, batch_size=3)
    np.testing.assert_allclose(found, model.predict(images, verbose=0), atol=1e-5)
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_features_of_functions_and_of_models_not_built_yet(images):
    flat = images.reshape(10, -1).astype("float32")
    by_layer = evaluation.features(keras.layers.Flatten(), images)
    np.testing.assert_array_equal(by_layer, flat)
    dense = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    assert evaluation.features(dense, images / 255).shape == (10, 3)
    batches = []

    def function(batch):
        batches.append(batch)
        return keras.ops.reshape(keras.ops.convert_to_tensor(batch), (len(batch), -1))

    found = evaluation.features(function, images, batch_size=4)
    np.testing.assert_array_equal(found, flat)
    assert all(isinstance(b, np.ndarray) and b.shape == (4, *SHAPE) for b in batches)


def test_of_tokens_the_mean_is_taken(images):
    found = evaluation.features(lambda batch: batch[..., 0], images)
    np.testing.assert_allclose(found, images[..., 0].mean(axis=1), rtol=1e-6)


@pytest.mark.graph
def test_an_extractor_compiles_once_and_sees_new_weights(images):
    traces = []

    class Scaled(keras.layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(), initializer="ones")

        def call(self, x):
            traces.append(x.shape)
            return keras.ops.reshape(x, (keras.ops.shape(x)[0], -1)) * self.scale

    layer = Scaled()
    layer.build((None, *SHAPE))
    extractor = evaluation.FeatureExtractor(layer, batch_size=4)
    data = images / 255, np.repeat([0, 1], 5)
    first = extractor(data[0])
    layer.scale.assign(3.0)
    np.testing.assert_allclose(extractor(data[0]), 3 * first, rtol=1e-6)
    evaluation.knn(extractor, data, data, k=1)
    if keras.backend.backend() != "torch":
        assert len(traces) == 1


@pytest.mark.graph
def test_an_extractor_follows_a_model_in_fit(rng, images):
    """What a probe inside `fit` needs, JAX's state kept outside the model included."""
    model = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    extractor = evaluation.FeatureExtractor(model)
    images = images / 255
    seen = []

    class Probe(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(
                (extractor(images), images.reshape(10, -1), model.get_weights())
            )

    targets = rng.normal(size=(10, 2))
    model.fit(images, targets, epochs=2, callbacks=[Probe()], verbose=0)
    for found, flat, (kernel, bias) in seen:
        np.testing.assert_allclose(found, flat @ kernel + bias, atol=1e-5)
    assert np.abs(seen[0][0] - seen[1][0]).max() > 1e-3


@pytest.mark.parametrize(
    "encoder, message",
    [
        (lambda x: x, r"shape \(batch, dim\).*\(10, 4, 6, 1\) for 10"),
        (lambda x: x.reshape(5, -1), r"\(5, 48\) for 10 images"),
        (lambda x: x.mean(), r"Received: shape \(\)"),
        (lambda x: {"a": x}, "one array of features.*dict of 1"),
        (lambda x: x[:, 0, 0] * np.inf, "finite features.*10 of 10"),
    ],
)
def test_bad_features_are_named(encoder, message):
    with pytest.raises(ValueError, match=message):
        evaluation.features(encoder, np.ones((10, *SHAPE)))


def test_images_that_an_mae_cannot_read_are_named(mae, images):
    with pytest.raises(ValueError, match="`images` must have shape .*height is 2"):
        evaluation.features(mae, images[:, :2])
