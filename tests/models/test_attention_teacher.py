"""`AttentionTeacher`: its scores, its loss, and what it refuses."""

import keras
import numpy as np
import pytest
from helpers.bright_square import bright_squares
from helpers.bright_square import brightness_teacher
from helpers.models import TINY
from helpers.models import randomize
from keras import ops

import keras_mra
from keras_mra.models.attention_teacher import AttentionTeacher
from keras_mra.models.attention_teacher import attention_divergence
from keras_mra.models.attention_teacher import class_attention_of

to_numpy = ops.convert_to_numpy
IMAGES, MASKS = bright_squares(4)


@pytest.fixture(scope="module")
def student():
    return randomize(keras_mra.MAE((8, 8, 1), 2, **TINY))


def constant_teacher(scores):
    inputs = keras.Input((8, 8, 1))
    outputs = keras.layers.Dense(16)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.set_weights([np.zeros((64, 16)), np.broadcast_to(scores, (16,))])
    return model


# --- the loss ------------------------------------------------------------------------


def test_divergence_beside_numpy(rng):
    attention, target = rng.dirichlet(np.ones(16), (2, 5))
    attention[0, 0], target[1, :8] = 0, 0
    target[1] /= target[1].sum()
    found = to_numpy(attention_divergence(attention, target))
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = -np.sum(target * np.log(np.maximum(attention, 1e-8)), axis=-1)
        entropy = -np.nansum(target * np.log(target), axis=-1)
    np.testing.assert_allclose(found, cross - entropy, rtol=1e-4, atol=1e-5)
    assert (found > 0).all()


def test_divergence_of_equals_and_of_an_image_without_scores(rng):
    attention = rng.dirichlet(np.ones(16), 2).astype("float32")
    target = np.stack([attention[0], np.zeros(16, "float32")])
    found = to_numpy(attention_divergence(attention, target))
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_attention_of_the_student(student):
    found = to_numpy(class_attention_of(student, ops.convert_to_tensor(IMAGES)))
    expected = to_numpy(student.attention(IMAGES))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


# --- the scores ----------------------------------------------------------------------


def test_scores_sum_to_one(student):
    teacher = AttentionTeacher(brightness_teacher(scale=7.0), student)
    found = to_numpy(teacher(ops.convert_to_tensor(IMAGES)))
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)
    assert (found[~MASKS] == 0).all() and (found[MASKS] > 0.1).all()
    without = to_numpy(teacher(ops.zeros((1, 8, 8, 1))))
    np.testing.assert_array_equal(without, np.zeros((1, 16)))


def test_a_negative_score_in_training_is_nan(student):
    teacher = AttentionTeacher(brightness_teacher(scale=-1.0), student)
    assert np.isnan(to_numpy(teacher(ops.convert_to_tensor(IMAGES)))).all()


def test_the_callers_model_is_not_changed(student):
    model = brightness_teacher()
    teacher = AttentionTeacher(model, student)
    teacher.trainable = True
    assert len(model.trainable_variables) == 1
    assert len(teacher.variables) == 1
    assert teacher.trainable_variables == []


class Uncopied(keras.Model):
    """A model with a weight, whose configuration Keras cannot know."""

    def __init__(self, secret):
        super().__init__()
        self.inner = brightness_teacher()
        self.built = True

    def call(self, images):
        return self.inner(images)


def test_a_frozen_model_without_configuration_is_shared(student):
    model = Uncopied(object())
    with pytest.raises(ValueError, match="`attention_teacher` must be a model that"):
        AttentionTeacher(model, student)
    model.trainable = False
    assert AttentionTeacher(model, student).model is model


# --- refusals ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scores, message",
    [
        (np.nan, "Received: NaN for the first 4 images"),
        (np.inf, "Received: infinite values"),
        (np.arange(16) - 3.0, "Received: negative values, down to -3"),
        (0.0, "Received: only zeros"),
    ],
)
def test_bad_scores(student, scores, message):
    teacher = AttentionTeacher(constant_teacher(scores), student)
    with pytest.raises(ValueError, match=f"`attention_teacher` must.*{message}"):
        teacher.check_scores(IMAGES)


def other_grid():
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.AveragePooling2D(4)(inputs)
    return keras.Model(inputs, keras.layers.Flatten()(x))


def other_images():
    inputs = keras.Input((16, 16, 3))
    return keras.Model(inputs, keras.layers.Flatten()(inputs))


@pytest.mark.parametrize(
    "make, message",
    [
        (other_grid, r"scores of shape \(1, 16\).*Received: \(1, 4\)"),
        (other_images, "Received: an error"),
        (lambda: np.mean, "be a built Keras model. Received: attention_teacher="),
    ],
)
def test_models_that_do_not_fit(student, make, message):
    with pytest.raises(ValueError, match=f"(?s)`attention_teacher` must.*{message}"):
        AttentionTeacher(make(), student)
