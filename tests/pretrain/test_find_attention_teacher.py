"""A teacher of attention by the name of a preset or of a file."""

import keras
import numpy as np
import pytest
from helpers.models import compute
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import pretrain

import keras_mra
from keras_mra.pretrain.find_attention_teacher import find_attention_teacher

pytestmark = pytest.mark.usefixtures("quick_compilation")


def student():
    return keras_mra.MAE((8, 8, 1), 2, **SMALL)


def test_a_preset_teaches_a_student_with_other_patches(tmp_path, images):
    preset = keras_mra.MAE((16, 16, 1), 2, **{**SMALL, "seed": 5})
    preset.save_to_preset(tmp_path)
    found = find_attention_teacher(tmp_path, student())
    expected = keras_mra.attention_of(preset, student())
    np.testing.assert_allclose(
        compute(found, images), compute(expected, images), atol=1e-6
    )
    mae = pretrain(images, attention_teacher=str(tmp_path))
    assert "attention_loss" in mae.history.history


def test_a_keras_file(tmp_path, images):
    inputs = keras.Input((8, 8, 1))
    scores = keras.layers.Flatten()(keras.layers.AveragePooling2D(2)(inputs))
    keras.Model(inputs, scores).save(tmp_path / "teacher.keras")
    found = find_attention_teacher(tmp_path / "teacher.keras", student())
    expected = images.reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16)
    np.testing.assert_allclose(compute(found, images.astype("float32")), expected)


@pytest.mark.parametrize("name", ["nothing.keras", "no_preset", "mae_nano"])
def test_names_without_a_teacher_are_refused(images, name):
    with pytest.raises(ValueError, match="`attention_teacher`.*Received|without"):
        pretrain(images, attention_teacher=name)


def test_a_gray_teacher_of_colour_images_is_refused(tmp_path):
    keras_mra.MAE((8, 8, 1), 2, **SMALL).save_to_preset(tmp_path)
    colour = np.zeros((12, 8, 8, 3), "uint8")
    with pytest.raises(ValueError, match="cannot teach.*as many channels.*, 3"):
        pretrain(colour, attention_teacher=tmp_path)


def test_another_teacher_is_another_run(tmp_path, images):
    for name, seed in (("one", 1), ("other", 2)):
        preset = keras_mra.MAE((8, 8, 1), 2, **{**SMALL, "seed": seed})
        preset.save_to_preset(tmp_path / name)
    run = dict(checkpoint=tmp_path / "checkpoint")
    pretrain(images, attention_teacher=tmp_path / "one", **run)
    with pytest.raises(ValueError, match="attention_teacher=.*one.*there.*other"):
        pretrain(images, attention_teacher=tmp_path / "other", **run)
