"""The figure of attention, of what stays and of what is repainted."""

import keras
import numpy as np
import pytest
from helpers.figures import assert_nothing_clipped
from helpers.models import TINY
from helpers.models import randomize
from keras import ops

import keras_mra
from keras_mra import visualization
from keras_mra.layers import MaskReconstruct

pytest.importorskip("matplotlib")


def make_mae(**arguments):
    arguments = {"value_range": (-1, 1), **TINY, **arguments}
    return randomize(keras_mra.MAE((8, 8, 3), 4, **arguments))


@pytest.fixture
def images(rng):
    return rng.uniform(-1, 1, (2, 8, 8, 3)).astype("float32")


def grid(figure, rows):
    """The axes of the pictures, without those of the scales."""
    axes = [axis for axis in figure.axes if axis.get_label() != "scale"]
    return np.array(axes).reshape(rows, -1)


def drawn(axes, i=0):
    return np.stack([np.asarray(axis.images[i].get_array()) for axis in axes])


def labels(axes):
    return [row[0].get_ylabel().replace("\n", " ") for row in axes]


def test_it_draws_attention_masks_and_paint(images):
    mae = make_mae()
    figure = visualization.plot_inspection(mae, images, (0.25, 0.5))
    axes = grid(figure, 6)
    assert figure.get_suptitle() == "Patches that stay by high attention"
    assert labels(axes) == [
        *("original", "attention", "25 % hidden: stays", "repainted"),
        *("50 % hidden: stays", "repainted"),
    ]
    original = (images + 1) / 2
    np.testing.assert_allclose(drawn(axes[0]), original, atol=1e-6)
    attention = ops.convert_to_numpy(mae.attention(images))  # (2, 4)
    heat = drawn(axes[1], 1)
    np.testing.assert_allclose(heat, 4 * attention.reshape(2, 2, 2), rtol=1e-4)
    for row, kept in ((2, 3), (4, 2)):
        best = attention.argsort(axis=1)[:, ::-1][:, :kept].astype("int32")
        stays = np.zeros((2, 4), bool)
        np.put_along_axis(stays, best, True, axis=1)
        pixels = np.kron(stays.reshape(2, 2, 2), np.ones((1, 4, 4), bool))[..., None]
        expected = np.where(pixels, original, 0.5)
        np.testing.assert_allclose(drawn(axes[row]), expected, atol=1e-6)
        painted = ops.convert_to_numpy(mae.reconstruct(images, best))
        np.testing.assert_allclose(drawn(axes[row + 1]), (painted + 1) / 2, atol=1e-5)
    assert_nothing_clipped(figure)


def test_it_draws_what_a_layer_does(images):
    pool = keras.layers.GlobalAveragePooling2D()
    scores = keras.layers.Dense(4, activation="relu", bias_initializer="ones")
    model = keras.Sequential([keras.Input((8, 8, 3)), pool, scores])
    mae = make_mae(norm_pix_loss=True)
    layer = MaskReconstruct(
        mae,
        strategy="low_attention",
        attention_model=model,
        restore_patch_statistics=True,
    )
    axes = grid(visualization.plot_inspection(layer, images, [0.5]), 4)
    found = ops.convert_to_numpy(model(images))
    mean = found.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(
        drawn(axes[1], 1), (found / mean).reshape(2, 2, 2), rtol=1e-4
    )
    worst = found.argsort(axis=1)[:, :2].astype("int32")
    painted = ops.convert_to_numpy(mae.reconstruct(images, worst, True))
    np.testing.assert_allclose(drawn(axes[3]), (painted + 1) / 2, atol=1e-5)


def test_random_masks_repeat_with_the_seed(images):
    layer = MaskReconstruct(make_mae(), strategy="random")

    def stays(seed):
        figure = visualization.plot_inspection(layer, images, [0.5], seed)
        assert figure.get_suptitle() == "Patches that stay by random choice"
        return drawn(grid(figure, 4)[2])

    np.testing.assert_array_equal(stays(1), stays(1))
    assert any((stays(1) != stays(seed)).any() for seed in (2, 3, 4))


def test_an_encoder_alone_has_no_paint(images):
    figure = visualization.plot_inspection(make_mae(decoder_depth=0), images, [0.5])
    assert labels(grid(figure, 3))[2] == "50 % hidden: stays"


def test_bad_arguments_are_named(images):
    mae = make_mae()
    for arguments, message in [
        ({"mae": "mae_nano"}, "`mae` must be an MAE"),
        ({"images": images[0]}, "`images` must have rank 4"),
        ({"images": 3 * images}, "`value_range`"),
        ({"images": [[1], [1, 2]]}, "`images` must be an array"),
        ({"mask_ratios": 0.4}, "`mask_ratios` must be a sequence"),
        ({"mask_ratios": [0.4, 2]}, "`mask_ratios` must be a sequence"),
        ({"seed": None}, "`seed` must be an integer"),
    ]:
        with pytest.raises(ValueError, match=message):
            visualization.plot_inspection(**{"mae": mae, "images": images, **arguments})
