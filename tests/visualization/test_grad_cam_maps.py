"""Grad-CAM against closed forms, for every kind of model."""

import keras
import numpy as np
import pytest
from helpers.models import compute
from keras import layers
from keras import ops

from keras_mra.visualization import grad_cam_maps


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (3, 6, 8, 3)).astype("float32")


def set_random(model, rng):
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape).astype("float32"))
    return model


def linear_cnn(rng, activation=None, **dense):
    """Convolution of 1x1, mean over the area, linear layer."""
    model = keras.Sequential(
        [
            keras.Input((6, 8, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(5, 1, name="features"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation=activation, name="head", **dense),
        ]
    )
    return set_random(model, rng)


def expected_maps(model, images, classes):
    """Of `linear_cnn`: the weights of a class, over the area, are the gradients."""
    kernel, bias = model.get_layer("features").get_weights()
    head, head_bias = model.get_layer("head").get_weights()
    features = images / 255 @ kernel[0, 0] + bias
    logits = features.mean((1, 2)) @ head + head_bias
    classes = logits.argmax(1) if classes is None else np.broadcast_to(classes, 3)
    maps = np.stack([np.maximum(f @ head[:, c], 0) for f, c in zip(features, classes)])
    peaks = maps.max((1, 2), keepdims=True)
    return maps / np.where(peaks > 0, peaks, 1)


@pytest.mark.parametrize(
    "activation, classes",
    [
        (None, None),
        (None, 2),
        ("softmax", None),
        ("softmax", [0, 3, 1]),
        ("sigmoid", 2),
    ],
)
def test_closed_form(images, rng, activation, classes):
    model = linear_cnn(rng, activation)
    maps = grad_cam_maps(model, images, classes)
    assert maps.dtype == "float32" and maps.shape == (3, 6, 8)
    expected = expected_maps(model, images, classes)
    assert expected.max() == 1
    np.testing.assert_allclose(maps, expected, atol=1e-5)


def test_sure_of_its_class(images, rng):
    """If the softmax is 1, the gradient of the probability is 0."""
    model = linear_cnn(rng, "softmax")
    head = model.get_layer("head")
    head.set_weights([1000 * w for w in head.get_weights()])
    assert compute(model, images).max() == 1
    maps = grad_cam_maps(model, images)
    np.testing.assert_allclose(maps, expected_maps(model, images, None), atol=1e-4)


def test_softmax_layer_of_its_own(images, rng):
    model = linear_cnn(rng)
    logits = model.outputs[0]
    for softmax in (layers.Softmax(), layers.Activation("softmax")):
        whole = keras.Model(model.inputs, softmax(logits))
        np.testing.assert_allclose(
            grad_cam_maps(whole, images, 1), expected_maps(model, images, 1), atol=1e-5
        )


def test_softmax_of_no_layer(images, rng):
    model = linear_cnn(rng)
    whole = keras.Model(model.inputs, ops.exp(ops.log_softmax(model.outputs[0])))
    with pytest.raises(ValueError, match="before the softmax"):
        grad_cam_maps(whole, images)


def test_coarse_features_are_enlarged_bilinearly(images, rng):
    model = keras.Sequential(
        [
            keras.Input((6, 8, 3)),
            layers.Conv2D(5, 2, strides=2, name="features"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ]
    )
    set_random(model, rng)
    features = compute(model.get_layer("features"), images)  # (3, 3, 4, 5)
    coarse = np.maximum(features @ model.layers[-1].get_weights()[0][:, 1], 0)
    fine = np.zeros((3, 6, 8))
    for row in range(6):
        for column in range(8):
            y = np.clip(row / 2 - 0.25, 0, 2)  # centres of pixels, edges repeated
            x = np.clip(column / 2 - 0.25, 0, 3)
            for i in range(3):
                for j in range(4):
                    share = max(1 - abs(y - i), 0) * max(1 - abs(x - j), 0)
                    fine[:, row, column] += share * coarse[:, i, j]
    fine /= fine.max((1, 2), keepdims=True)
    np.testing.assert_allclose(grad_cam_maps(model, images, 1), fine, atol=1e-5)


def residual_cnn(rng):
    """A network whose gradients are not constant, with a path past the middle."""
    inputs = keras.Input((6, 8, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(4, 3, padding="same", activation="tanh", name="first")(x)
    y = layers.Conv2D(4, 3, padding="same", activation="tanh", name="second")(x)
    y = layers.Dropout(0.5)(y)
    x = layers.Add(name="sum")([x, y])
    x = layers.Dense(6, activation="tanh")(layers.Flatten()(x))
    return set_random(keras.Model(inputs, layers.Dense(3)(x)), rng)


def test_any_layer_against_finite_differences(images, rng):
    model = residual_cnn(rng)
    for weight in model.weights:
        weight.assign(0.3 * weight)
    first = keras.Model(model.inputs, model.get_layer("first").output)
    middle = keras.Input((6, 8, 4))
    x = layers.Add()([middle, model.get_layer("second")(middle)])
    for layer in model.layers[-3:]:
        x = layer(x)
    rest = keras.Model(middle, x)
    features = compute(first, images[:1])
    step = 1e-2
    moved = features + step * np.eye(6 * 8 * 4, dtype="float32").reshape(-1, 6, 8, 4)
    back = 2 * features - moved
    difference = (compute(rest, moved) - compute(rest, back))[:, 2] / (2 * step)
    weights = difference.reshape(48, 4).mean(0)
    expected = np.maximum(features[0] @ weights, 0)
    assert expected.max() > 0
    maps = grad_cam_maps(model, images[:1], 2, "first")
    np.testing.assert_allclose(maps[0], expected / expected.max(), atol=5e-3)


def test_default_layer_is_the_last_feature_map(images, rng):
    model = residual_cnn(rng)
    by_name = grad_cam_maps(model, images, layer="sum")
    by_layer = grad_cam_maps(model, images, layer=model.get_layer("sum"))
    assert by_name.max() == 1
    np.testing.assert_array_equal(grad_cam_maps(model, images), by_name)
    np.testing.assert_array_equal(by_layer, by_name)
    assert np.abs(grad_cam_maps(model, images, layer="second") - by_name).max() > 0.01


def test_nested_model_with_augmentation(images, rng):
    flat = linear_cnn(rng, "softmax")
    nested = keras.Sequential(
        [
            keras.Input((6, 8, 3)),
            layers.RandomFlip(seed=0),
            layers.RandomRotation(0.5, seed=0),
            flat,
        ]
    )
    expected = expected_maps(flat, images, None)
    np.testing.assert_allclose(grad_cam_maps(nested, images), expected, atol=1e-5)
    np.testing.assert_allclose(
        grad_cam_maps(nested, images, layer="features"), expected, atol=1e-5
    )


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(5, 1)
        self.head = layers.Dense(4, activation="softmax")

    def call(self, images, training=False):
        assert not training
        return self.head(ops.mean(self.conv(images / 255), axis=(1, 2)))


def test_subclassed_model(images, rng):
    flat = linear_cnn(rng, "softmax")
    model = Subclassed()
    with pytest.raises(ValueError, match="that has been built"):
        grad_cam_maps(model, images)
    compute(model, images)
    model.set_weights(flat.get_weights())
    maps = grad_cam_maps(model, images, layer=model.conv)
    np.testing.assert_allclose(maps, expected_maps(flat, images, None), atol=1e-5)
    with pytest.raises(ValueError, match="`layer` must be given"):
        grad_cam_maps(model, images)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(images, rng, dtype):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        model = linear_cnn(rng, "softmax", dtype="float32")
    finally:
        keras.config.set_dtype_policy(before)
    maps = grad_cam_maps(model, images, 1)
    assert maps.dtype == "float32"
    np.testing.assert_allclose(maps, expected_maps(model, images, 1), atol=0.05)


def test_integer_images(images, rng):
    model = linear_cnn(rng)
    images = images.astype("uint8")
    np.testing.assert_allclose(
        grad_cam_maps(model, images, 0), expected_maps(model, images, 0), atol=1e-5
    )


def test_nothing_for_the_class_is_zero(images, rng):
    model = linear_cnn(rng)
    conv, head = model.get_layer("features"), model.get_layer("head")
    conv.set_weights([np.abs(w) for w in conv.get_weights()])
    head.set_weights([-np.abs(w) for w in head.get_weights()])
    np.testing.assert_array_equal(grad_cam_maps(model, images, 0), np.zeros((3, 6, 8)))


def test_model_is_left_as_it_was(images, rng):
    model = linear_cnn(rng, "softmax")
    before = compute(model, images)
    attributes = [sorted(vars(layer)) for layer in model.layers]
    grad_cam_maps(model, images)
    with pytest.raises(ValueError):
        grad_cam_maps(model, images, classes=9)
    np.testing.assert_array_equal(compute(model, images), before)
    assert [sorted(vars(layer)) for layer in model.layers] == attributes
    assert model.get_layer("head").activation is keras.activations.softmax


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"classes": 4}, "`classes` must be from 0 to 3"),
        ({"classes": [0, 1]}, "`classes` must be an integer, integers of shape"),
        ({"classes": 1.5}, "`classes` must be an integer, integers of shape"),
        ({"layer": "none"}, "`layer` must be a layer of the model"),
        ({"layer": layers.Conv2D(3, 1)}, "`layer` must be a layer of the model"),
        ({"layer": "head"}, r"shape \(batch, rows, columns, channels\)"),
        ({"images": [[1], [1, 2]]}, "`images` must be an array"),
        ({"images": np.zeros((6, 8, 3))}, "`images` must have rank 4"),
        ({"model": len}, "`model` must be a Keras model"),
        ({"classes": [[1], [1, 2]]}, "`classes` must be an array"),
    ],
)
def test_bad_input(images, rng, arguments, message):
    arguments = {"model": linear_cnn(rng), "images": images, **arguments}
    with pytest.raises(ValueError, match=message):
        grad_cam_maps(**arguments)


def test_models_that_have_no_map(images, rng):
    inputs = keras.Input((6, 8, 3))
    scaled = layers.Rescaling(1 / 255)(inputs)
    dense = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(scaled)))
    with pytest.raises(ValueError, match="`layer` must be given"):
        grad_cam_maps(dense, images)
    conv = layers.Conv2D(3, 1, name="twice")
    twice = layers.GlobalAveragePooling2D()(conv(conv(inputs)))
    with pytest.raises(ValueError, match="which is used 2 times"):
        grad_cam_maps(keras.Model(inputs, twice), images, layer="twice")
    with pytest.raises(ValueError, match=r"shape \(batch, classes\)"):
        grad_cam_maps(keras.Model(inputs, conv(inputs)), images)
