"""The attention of an autoencoder for the patches of another one."""

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import compute
from helpers.models import randomize
from keras import ops

import keras_mra
from keras_mra.pixels import resize


def make_mae(shape, patch_size, **arguments):
    return randomize(keras_mra.MAE(shape, patch_size, **{**TINY, **arguments}))


def pixels(size=(8, 8), channels=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, *size, channels)).astype("uint8")


def test_it_is_the_attention_of_the_mae_on_its_own_grid():
    mae = make_mae((8, 8, 3), 2)
    attend = keras_mra.attention_of(mae)
    np.testing.assert_allclose(
        compute(attend, pixels()), compute(mae.attention, pixels()), atol=1e-6
    )


def test_images_and_maps_are_resized_to_another_mae():
    mae, other = make_mae((8, 8, 3), 2), make_mae((16, 24, 3), 4)
    attend = keras_mra.attention_of(mae, other)
    images = pixels((16, 24))
    found = compute(attend, images)
    own = mae.attention(resize(ops.convert_to_tensor(images), (8, 8)))
    maps = resize(ops.reshape(own, (2, 4, 4, 1)), (4, 6))
    expected = ops.convert_to_numpy(ops.reshape(maps, (2, 24)))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_gray_images_in_another_range():
    mae = make_mae((8, 8, 3), 2)
    other = make_mae((8, 8, 1), 2, value_range=(-1, 1))
    gray = pixels(channels=1)
    found = compute(
        keras_mra.attention_of(mae, other), (gray / 127.5 - 1).astype("float32")
    )
    expected = compute(mae.attention, np.repeat(gray, 3, axis=3))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_it_is_saved_with_the_layer(tmp_path):
    mae, other = make_mae((8, 8, 3), 2), make_mae((8, 8, 3), 4)
    layer = keras_mra.layers.MaskReconstruct(
        other, seed=0, attention_model=keras_mra.attention_of(mae, other)
    )
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    images = pixels().astype("float32")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(loaded.layers[-1](images, training=True)),
        ops.convert_to_numpy(layer(images, training=True)),
    )


def test_the_mae_is_copied():
    mae = make_mae((8, 8, 3), 2)
    attend = keras_mra.attention_of(mae)
    assert attend.mae is not mae and mae.trainable and not attend.trainable_variables
    assert keras_mra.attention_of(mae, copy=False).mae is mae


@pytest.mark.parametrize(
    "arguments",
    [
        dict(block=0),
        dict(block=np.array([-1, -1])),
        dict(heads=0),
        dict(mean=0.5),
        dict(image_size=16),
    ],
)
def test_arguments_of_backbones_are_refused(arguments):
    with pytest.raises(ValueError, match="must not be given for an MAE"):
        keras_mra.attention_of(make_mae((8, 8, 3), 2), **arguments)


def test_images_of_other_channels_are_refused():
    attend = keras_mra.attention_of(make_mae((8, 8, 3), 2))
    with pytest.raises(ValueError, match="must have 1 or 3 channels"):
        attend(np.zeros((2, 8, 8, 4), "float32"))
