"""The classifier around a copy of an encoder, and its levels."""

import keras
import numpy as np
import pytest
from helpers.bright_halves import SHAPE
from helpers.bright_halves import bright_halves
from helpers.models import TINY
from helpers.models import randomize

import keras_mra
from keras_mra import evaluation
from keras_mra.evaluation.classifier import build_classifier
from keras_mra.evaluation.classifier import encoder_outputs
from keras_mra.optimizers import rate_scales

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE(SHAPE, 4, **TINY))


@pytest.fixture(scope="module")
def data():
    return bright_halves()


def test_the_classifier_starts_from_the_encoders_features(mae, data):
    (images, _), _ = data
    for pool in ("cls", "mean", "cls+mean"):
        classifier, _ = build_classifier(mae, SHAPE, 5, pool)
        head = classifier.get_layer("head")
        probabilities = classifier.predict(images, verbose=0)
        np.testing.assert_allclose(probabilities, 0.2, atol=1e-6)
        features = evaluation.features(mae, images, pool)
        found = keras.Model(classifier.inputs, head.input).predict(images, verbose=0)
        np.testing.assert_allclose(found, features, atol=1e-4)


def test_rates_decay_from_the_head_to_the_pixels(mae):
    classifier, levels = build_classifier(mae, SHAPE, 2, "cls")
    variables = classifier.trainable_variables
    assert len(variables) == len(mae.encoder.trainable_variables) + 2
    scales = rate_scales(levels, 0.5, variables)
    by_layer = {
        layer.name: {
            scale
            for scale, variable in zip(scales, variables)
            if any(variable is own for own in layer.trainable_variables)
        }
        for layer in classifier.layers
        if layer.trainable_variables
    }
    assert by_layer == {
        "patch_embedding": {0.125},
        "class_token": {0.125},
        "block_0": {0.25},
        "block_1": {0.5},
        "norm": {1.0},
        "head": {1.0},
    }


def backbone():
    inner = keras.Sequential(
        [
            keras.layers.Conv2D(4, 3, strides=2, data_format="channels_last"),
            keras.layers.BatchNormalization(),
        ],
        name="inner",
    )
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Rescaling(1 / 255),
            inner,
            keras.layers.Reshape((9, 4)),
            keras.layers.Dense(6),
        ]
    )


def test_another_models_levels_are_its_layers(data):
    (images, _), _ = data
    model = backbone()
    model.trainable = False
    classifier, levels = build_classifier(model, SHAPE, 2, "cls")
    assert len(classifier.trainable_variables) == 2 + 2 + 2 + 2
    scales = rate_scales(levels, 0.1, classifier.trainable_variables)
    np.testing.assert_allclose(scales, np.repeat([1e-3, 1e-2, 1e-1, 1], 2))
    features = keras.Model(classifier.inputs, classifier.get_layer("head").input)
    np.testing.assert_allclose(
        features.predict(images, verbose=0),
        model.predict(images, verbose=0).mean(axis=1),
        atol=1e-5,
    )


def test_a_model_with_a_lambda_layer_is_copied(data):
    (images, _), _ = data
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Lambda(lambda x: x / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    inputs = keras.Input(SHAPE)
    outputs, copied = encoder_outputs(model, inputs)
    found = keras.Model(inputs, outputs).predict(images, verbose=0)
    np.testing.assert_allclose(found, model.predict(images, verbose=0), atol=1e-6)
    assert copied.layers[-1].kernel is not model.layers[-1].kernel
