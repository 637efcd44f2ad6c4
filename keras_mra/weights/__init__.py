"""Weights of other libraries, as arrays under this package's names, and back.

Nothing here knows a model: a checkpoint becomes the arguments of an `MAE` and a dict of
arrays, which `keras_mra.models` puts into one.
"""

from keras_mra.weights.registry import FILES
from keras_mra.weights.registry import Checkpoint
from keras_mra.weights.registry import is_checkpoint
from keras_mra.weights.registry import read_checkpoint
from keras_mra.weights.registry import read_json
from keras_mra.weights.write_vit_mae import write_vit_mae
