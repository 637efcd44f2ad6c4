"""Features of overlapping classes, for the tests of the protocols."""

import numpy as np


def blobs(rng, per_class, classes=(2, 5, 7), dim=6, spread=2.0):
    """Features of overlapping classes on different scales, in random order.

    Returns:
        `(features, labels)`, float32 `(images, dim)` and int `(images,)`.
    """
    centres = np.random.default_rng(9).normal(size=(len(classes), dim))
    which = rng.permutation(np.repeat(np.arange(len(classes)), per_class))
    features = centres[which] + spread * rng.normal(size=(len(which), dim))
    features = (features * np.arange(1, dim + 1)).astype("float32")
    return features, np.array(classes)[which]
