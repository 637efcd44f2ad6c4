"""A small convolutional classifier."""

import keras

from keras_mra import backend
from keras_mra import checks
from keras_mra.classifiers.networks.ends import to_unit_range
from keras_mra.typing import ImageShape


def small_cnn(
    image_shape: ImageShape,
    num_classes: int,
    value_range: tuple[float, float],
    seed: int = 0,
) -> keras.Sequential:
    """Builds a classifier of three convolutions and a softmax, not compiled.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: Int, the number of classes.
        value_range: Pair of floats, the range of the images. The model rescales it to
            -1 to 1.
        seed: Int. It decides the initial weights.

    Returns:
        A `keras.Sequential` from images to probabilities of shape
        `(batch, num_classes)`. Its convolutions are named `"conv1"` to `"conv3"`.
    """
    first = backend.folded_seed(4 * checks.required_seed(seed))
    seeds = iter(range(first, first + 4))
    layers = [keras.Input(image_shape), to_unit_range(value_range)]
    for name, filters in {"conv1": 16, "conv2": 32, "conv3": 64}.items():
        layers += [
            keras.layers.Conv2D(
                filters,
                3,
                padding="same",
                activation="relu",
                kernel_initializer=keras.initializers.HeNormal(next(seeds)),
                name=name,
            ),
            keras.layers.MaxPooling2D(2, padding="same"),
        ]
    layers += [
        keras.layers.Flatten(),
        keras.layers.Dense(
            num_classes,
            activation="softmax",
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
        ),
    ]
    return keras.Sequential(layers)
