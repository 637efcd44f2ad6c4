"""Images of a bright square on noise, and a teacher that attends to brightness."""

import keras
import numpy as np

SIDE, PATCH = 8, 2
GRID = SIDE // PATCH


def bright_squares(count, seed=0):
    """Gray images with a square of 2x2 patches.

    Returns:
        `(images, masks)`: uint8 `(count, 8, 8, 1)`, and booleans `(count, 16)`, true
        where a patch belongs to the square.
    """
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 100, (count, SIDE, SIDE, 1), dtype="uint8")
    masks = np.zeros((count, GRID, GRID), bool)
    for image, mask in zip(images, masks):
        top, left = rng.integers(0, GRID - 1, 2)
        mask[top : top + 2, left : left + 2] = True
        rows, columns = (slice(PATCH * i, PATCH * (i + 2)) for i in (top, left))
        image[rows, columns] = rng.integers(200, 256, (4, 4, 1))
    return images, masks.reshape(count, -1)


def brightness_teacher(bias=-0.5, scale=1.0):
    """A Keras model with one trainable weight: `scale * relu(brightness + bias)`."""
    inputs = keras.Input((SIDE, SIDE, 1))
    x = keras.layers.Rescaling(1 / 255, offset=bias)(inputs)
    x = keras.layers.ReLU()(keras.layers.AveragePooling2D(PATCH)(x))
    x = keras.layers.Conv2D(
        1, 1, kernel_initializer=keras.initializers.Constant(scale), use_bias=False
    )(x)
    return keras.Model(inputs, keras.layers.Flatten()(x))


def mean_auroc(scores, masks):
    """The mean over images of the AUROC of scores against masks."""
    values = []
    for row, mask in zip(scores, masks):
        pairs = np.subtract.outer(row[mask], row[~mask])
        values.append(np.mean(pairs > 0) + np.mean(pairs == 0) / 2)
    return np.mean(values)
