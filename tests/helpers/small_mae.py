"""A small autoencoder, for the tests of `MAE`."""

import numpy as np
from keras import ops

import keras_mra
from helpers.models import TINY
from keras_mra import patches as patch_ops

SHAPE, PATCH, NUM_PATCHES = (8, 12, 3), (4, 3), 8


def make_mae(**arguments):
    return keras_mra.MAE(SHAPE, PATCH, **{**TINY, "mask_ratio": 0.5, **arguments})


def patch_mask(visible):
    mask = np.zeros((len(visible), NUM_PATCHES), bool)
    np.put_along_axis(mask, visible, True, axis=1)
    return mask


def pixel_mask(visible):
    """Which pixels are visible, `(batch, height, width, channels)`."""
    mask = np.zeros((len(visible), NUM_PATCHES, PATCH[0] * PATCH[1] * 3), "float32")
    for row, places in zip(mask, visible):
        row[places] = 1
    whole = patch_ops.unpatchify(ops.convert_to_tensor(mask), PATCH, SHAPE)
    return ops.convert_to_numpy(whole) > 0
