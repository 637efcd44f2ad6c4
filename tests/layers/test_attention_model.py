"""MaskReconstruct with the attention of a model of the user's own."""

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import compute
from helpers.small_augmentor import patch_noise
from keras import ops

import keras_mra
from keras_mra.layers import MaskReconstruct
from keras_mra.patches import visible_pixels


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE((12, 12, 1), 4, **TINY)


@pytest.fixture
def images(rng):
    return patch_noise(rng)


def means(values=9, **kwargs):
    """A model that scores a patch by its mean: known, and with a weight to train."""
    return keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Dropout(0.9),
            keras.layers.DepthwiseConv2D(
                4, 4, depthwise_initializer="ones", use_bias=False
            ),
            keras.layers.Flatten(),
            keras.layers.Lambda(lambda x: x[:, :values])
            if values != 9
            else keras.layers.Activation("relu"),
        ],
        **kwargs,
    )


def patch_means(images):
    """What `means` is about: `(batch, 9)`."""
    return images.reshape(-1, 3, 4, 3, 4).mean(axis=(2, 4)).reshape(-1, 9)


def to_numpy(x):
    return ops.convert_to_numpy(x)


def kept_patches(images, out):
    """Which patches `(batch, 9)` came out as they went in."""
    same = np.asarray(out) == images
    return same.reshape(-1, 3, 4, 3, 4).all(axis=(2, 4)).reshape(-1, 9)


@pytest.mark.parametrize("strategy", ["attention", "low_attention"])
def test_its_scores_choose_the_patches(mae, images, strategy):
    layer = MaskReconstruct(mae, 0.5, strategy, attention_model=means())
    out = to_numpy(layer(images))
    order = np.argsort(patch_means(images), axis=1)
    best = order[:, -5:] if strategy == "attention" else order[:, :5]
    expected = np.zeros((16, 9), bool)
    np.put_along_axis(expected, best, True, axis=1)
    np.testing.assert_array_equal(kept_patches(images, out), expected)
    # The autoencoder paints what is not shown, as it would by itself.
    visible = keras_mra.masking.visible_patches(
        patch_means(images).astype("float32"), 0.5, strategy
    )
    painted = compute(mae.reconstruct, images, to_numpy(visible))
    shown = to_numpy(visible_pixels(visible, mae.grid, (12, 12)))
    difference = np.where(shown, 0, out.astype(int) - painted.astype(int))
    assert np.abs(difference).max() <= 1  # rounding may fall either way


def test_it_sees_images_of_the_autoencoders_size_and_range(mae, images):
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    layer = MaskReconstruct(mae, 0.5, resize=True, attention_model=means())
    small = to_numpy(keras_mra.pixels.resize(large, (12, 12)))
    order = np.argsort(patch_means(small), axis=1)[:, -5:]
    out = to_numpy(layer(large))
    same = (out == large).reshape(-1, 3, 8, 3, 8).all(axis=(2, 4)).reshape(-1, 9)
    assert np.take_along_axis(same, order, axis=1).all() and same.sum() == 16 * 5


def test_temperature_and_rate(mae, images):
    make = lambda **kwargs: MaskReconstruct(  # noqa: E731
        mae, 0.5, seed=1, attention_model=means(), **kwargs
    )
    layer = make(temperature=1e6)
    a, b = (kept_patches(images, to_numpy(layer(images))) for _ in range(2))
    assert (a != b).any() and (a.sum(axis=1) == 5).all()
    np.testing.assert_array_equal(to_numpy(make(rate=0)(images)), images)


def classifier(layer):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1), dtype="uint8"),
            layer,
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_it_is_frozen_through_fit_load_and_clone(mae, images, tmp_path):
    given = means()
    before = given.get_weights()
    model = classifier(MaskReconstruct(mae, 0.5, attention_model=given))
    labels = np.arange(16) % 3
    model.fit(images, labels, verbose=0, batch_size=6)
    model.layers[0].attention_model.set_weights([2 * before[0]])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    cloned = keras.models.clone_model(model)
    cloned.set_weights(model.get_weights())
    cloned.compile("sgd", "sparse_categorical_crossentropy")
    for m in (model, loaded, cloned):
        m.trainable = False
        m.trainable = True
        assert len(m.trainable_variables) == 2
        m.fit(images, labels, verbose=0)
        (found,) = m.layers[0].attention_model.get_weights()
        np.testing.assert_array_equal(found, 2 * before[0])
        out = to_numpy(m.layers[0](images))
        np.testing.assert_array_equal(
            kept_patches(images, out),
            patch_means(images) >= np.sort(patch_means(images))[:, 4:5],
        )
    # The caller's is another, and can be trained on.
    assert given.trainable_variables and given.trainable
    np.testing.assert_array_equal(given.get_weights()[0], before[0])


def test_a_shared_one_is_frozen(mae):
    model = means()
    layer = MaskReconstruct(
        keras_mra.MAE.from_config(mae.get_config()),
        copy=False,
        attention_model=model,
    )
    assert layer.attention_model is model and not model.trainable_variables


def test_a_compiled_one_brings_no_optimizer(mae):
    model = means()
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    layer = MaskReconstruct(mae, attention_model=model)
    assert len(layer.attention_model.variables) == len(means().variables)


def test_in_tf_data(mae, images):
    tf = pytest.importorskip("tensorflow")
    layer = MaskReconstruct(mae, 0.5, attention_model=means())
    want = to_numpy(layer(images)).astype(int)
    got = next(iter(tf.data.Dataset.from_tensor_slices(images).batch(16).map(layer)))
    np.testing.assert_allclose(got.numpy().astype(int), want, atol=1)


@keras.saving.register_keras_serializable("test")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scores = keras.layers.Dense(9, activation="softmax")

    def build(self, shape):
        self.scores.build((None, 144))
        self.built = True

    def call(self, images):
        return self.scores(ops.reshape(images, (-1, 144)) / 255)


def test_a_subclassed_model(mae, images):
    model = Subclassed()
    model.build((None, 12, 12, 1))
    out = to_numpy(MaskReconstruct(mae, 0.5, attention_model=model)(images))
    order = np.argsort(to_numpy(model(images.astype("float32"))), axis=1)[:, -5:]
    kept = kept_patches(images, out)
    assert np.take_along_axis(kept, order, axis=1).all()


@pytest.mark.parametrize(
    "arguments,message",
    [
        (dict(strategy="random"), "`strategy` must be 'attention' or.*'random'"),
        (dict(attention_block=0), "`attention_block` must be None.*attention_block=0"),
        (dict(attention_resolution=8), "`attention_resolution` must be None.*=.8, 8"),
        (dict(attention_model=len), "must be a built Keras model.*builtin_function"),
        (dict(attention_model=Subclassed()), "must be a built Keras model"),
        (
            dict(attention_model=means(values=8)),
            r"\(1, 12, 12, 1\) into scores of shape \(1, 9\).*Received: \(1, 8\)",
        ),
        (
            dict(
                attention_model=keras.Sequential(
                    [
                        keras.Input((8, 8, 1)),
                        keras.layers.Flatten(),
                        keras.layers.Dense(9),
                    ]
                )
            ),
            r"\(1, 12, 12, 1\) into scores.*Received: an error",
        ),
        (
            dict(
                attention_model=keras.Model(
                    pixels := keras.Input((12, 12, 1)), [pixels, pixels]
                )
            ),
            r"Received: \[\(1, 12, 12, 1\), \(1, 12, 12, 1\)\]",
        ),
    ],
)
def test_bad_ones(mae, arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskReconstruct(mae, **{"attention_model": means(), **arguments})


def test_one_that_keras_cannot_make_again(mae):
    model = keras.Sequential(
        [keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(9)]
    )
    model.get_config = lambda: {"no": "such argument"}
    with pytest.raises(ValueError, match="copy from its configuration.*or `copy`"):
        MaskReconstruct(mae, attention_model=model)


@pytest.mark.parametrize(
    "scores,found",
    [
        (lambda x: x - 1.0, "negative values, down to -1"),
        (lambda x: x / 0.0, "NaN|infinite"),
        (lambda x: x * 0.0, "only zeros for the first 8 images"),
        (lambda x: x[:1], r"scores of shape \(1, 9\)"),
    ],
)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_bad_scores_of_the_first_images(mae, images, scores, found, as_tensor):
    pixels = keras.Input((12, 12, 1))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(pixels))
    layer = MaskReconstruct(
        mae, attention_model=keras.Model(pixels, keras.layers.Lambda(scores)(x))
    )
    images = images.copy()
    images[0] = 0
    expected = r"`attention_model` must return finite scores of shape \(batch, 9\)"
    for _ in range(2):  # A second try does not pass.
        with pytest.raises(ValueError, match=f"{expected}.*Received: .*({found})"):
            layer(ops.convert_to_tensor(images) if as_tensor else images)


def test_scores_are_checked_once(mae, images):
    calls = []

    class Counting(Subclassed):
        def call(self, images):
            calls.append(tuple(images.shape))
            return super().call(images)

    model = Counting()
    model.build((None, 12, 12, 1))
    layer = MaskReconstruct(mae, attention_model=model, resize=True, copy=False)
    large = ops.convert_to_tensor(images.repeat(2, axis=1).repeat(2, axis=2))
    calls.clear()
    layer(large)
    layer(large)
    assert calls == [(8, 12, 12, 1), (16, 12, 12, 1), (16, 12, 12, 1)]
