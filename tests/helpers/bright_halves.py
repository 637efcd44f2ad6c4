"""Images of two classes that the place of their bright half tells apart."""

import numpy as np

SHAPE = (8, 8, 1)


def bright_halves():
    """Classes 3 and 8: bright above, or bright below.

    Returns:
        `(train, test)`, pairs of 96 and 64 images and their labels.
    """
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=160)
    images = rng.integers(0, 150, (160, *SHAPE), dtype="uint8")
    for image, label in zip(images, labels):
        image[4 * label : 4 * label + 4] += 80
    labels = np.where(labels, 8, 3)
    return (images[:96], labels[:96]), (images[96:], labels[96:])
