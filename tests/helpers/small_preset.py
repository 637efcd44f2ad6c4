"""The small autoencoder of the tests of presets, and the names of its files."""

import keras_mra
from helpers.models import TINY
from helpers.models import randomize

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"


def make_mae(**arguments):
    return randomize(keras_mra.MAE((8, 12, 3), (4, 3), **{**TINY, **arguments}))
