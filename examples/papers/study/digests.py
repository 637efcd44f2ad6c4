"""Digests that distinguish data and presets of the same name."""

import hashlib
import pathlib

import numpy as np

from keras_mra.datasets.held_out import evenly_spaced
from keras_mra.models.preset_digest import digest_of
from keras_mra.models.presets import WEIGHTS

SAMPLES = 1000


def digest(*arrays):
    """A short digest of arrays, as a string."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array))
    return found.hexdigest()[:16]


def digest_of_data(data):
    """A short digest of data, which may get other files under the same name.

    Args:
        data: `Splits`.

    Returns:
        String, of all labels and of up to `SAMPLES` images of each split.
    """
    arrays = []
    for part in (data.train, data.test):
        count = min(SAMPLES, part.num_samples)
        images, _ = part.batch(evenly_spaced(part.num_samples, count))
        arrays += [part.all_labels(), images]
    return digest(*arrays)


def preset_key(preset):
    """The name of a preset, for a folder with a digest of its weights.

    Args:
        preset: String as in `MAE.from_preset`, or `None`.
    """
    if not preset or not (weights := pathlib.Path(preset) / WEIGHTS).is_file():
        return preset
    return f"{preset} {digest_of(weights)[:16]}"
