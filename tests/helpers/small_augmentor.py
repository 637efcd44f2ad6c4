"""A small autoencoder to augment with, and a classifier behind it."""

import keras
import numpy as np
from keras import ops

import keras_mra


def make_mae(image_shape=(12, 12, 1), patch_size=4, **kwargs):
    arguments = dict(
        encoder_dim=16,
        encoder_depth=2,
        encoder_heads=2,
        decoder_dim=16,
        decoder_depth=1,
        decoder_heads=2,
    )
    return keras_mra.MAE(image_shape, patch_size, **{**arguments, **kwargs})


def to_numpy(x):
    return ops.convert_to_numpy(x)


def classifier(augmentation, image_shape=(12, 12, 1), dtype="uint8"):
    model = keras.Sequential(
        [
            keras.Input(image_shape, dtype=dtype),
            augmentation,
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def patch_noise(rng, count=16):
    """Images of noise whose nine patches differ in brightness.

    Returns:
        uint8 `(count, 12, 12, 1)`.
    """
    levels = rng.permuted(np.tile(np.arange(9), (count, 1)), axis=1).reshape(-1, 3, 3)
    levels = levels.repeat(4, axis=1).repeat(4, axis=2)[..., None]  # (B, 12, 12, 1)
    return (24 * levels + rng.integers(0, 24, levels.shape)).astype("uint8")
