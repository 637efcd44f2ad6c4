"""The gallery shows the images, the masks and the paint that it says it shows."""

import keras
import numpy as np
import pytest

import keras_mra
from keras_mra.visualization import plot_masking_strategies

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_of_the_gallery(channels):
    mae = keras_mra.MAE(
        (8, 8, channels),
        4,
        encoder_dim=16,
        encoder_depth=1,
        encoder_heads=2,
        decoder_dim=16,
        decoder_depth=1,
        decoder_heads=2,
    )
    images = np.random.default_rng(0).integers(0, 120, (2, 8, 8, channels))
    images = images.astype("uint8")
    figure = plot_masking_strategies(mae, images, mask_ratio=0.5)
    axes = np.array(figure.axes).reshape(8, 2)
    titles = [row[0].get_ylabel().replace("\n", " ") for row in axes]
    assert titles[:4] == [
        "original",
        "attention",
        "attention: visible",
        "attention: reconstructed",
    ]
    drawn = [[axis.images[0].get_array() for axis in row] for row in axes]
    original = images[1] / 255 if channels == 3 else images[1, ..., 0] / 255
    np.testing.assert_allclose(drawn[0][1], original, atol=1e-6)
    attention = keras.ops.convert_to_numpy(mae.attention(images))[1]
    np.testing.assert_allclose(
        drawn[1][1][::4, ::4], attention.reshape(2, 2), rtol=1e-5
    )
    for row in (2, 4, 6):
        drawn_original = np.asarray(drawn[0][1]).reshape(8, 8, -1)
        shown = np.asarray(drawn[row][1]).reshape(8, 8, -1) == drawn_original
        assert shown.mean() == 0.5  # two of four patches; the others are mid-gray
        painted = np.asarray(drawn[row + 1][1]).reshape(8, 8, -1)
        np.testing.assert_allclose(painted[shown], drawn_original[shown], atol=1e-6)
