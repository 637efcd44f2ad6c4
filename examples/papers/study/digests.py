"""Digests that distinguish data and presets of the same name."""

import hashlib
import pathlib

import numpy as np

from keras_mra.models.preset_digest import digest_of
from keras_mra.models.presets import WEIGHTS

SAMPLES = 1000


def digest_of_data(data):
    """A short digest of data, which may get other files under the same name.

    Args:
        data: `Splits`.

    Returns:
        String, of all labels and of up to `SAMPLES` images of each split.
    """
    found = hashlib.sha256()
    for part in (data.train, data.test):
        count = min(SAMPLES, part.num_samples)
        images, _ = part.batch(np.arange(count) * part.num_samples // count)
        for array in (part.all_labels(), images):
            found.update(np.ascontiguousarray(array))
    return found.hexdigest()[:16]


def preset_key(preset):
    """The name of a preset, for a folder with a digest of its weights.

    Args:
        preset: String as in `MAE.from_preset`, or `None`.
    """
    if not preset or not (weights := pathlib.Path(preset) / WEIGHTS).is_file():
        return preset
    return f"{preset} {digest_of(weights)[:16]}"
