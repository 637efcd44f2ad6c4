"""Weights of other libraries: their names, one verifier, one reader, one writer.

A checkpoint becomes the arguments of an `MAE` and a dict of arrays. No module here
builds a model; `keras_mra.models.convert` does.
"""

from keras_mra.weights.foreign_weights import ForeignWeights
from keras_mra.weights.foreign_weights import is_checkpoint
from keras_mra.weights.foreign_weights import read_checkpoint
from keras_mra.weights.read import FILES
from keras_mra.weights.write import write_vit_mae

__all__ = [
    "FILES",
    "ForeignWeights",
    "is_checkpoint",
    "read_checkpoint",
    "write_vit_mae",
]
