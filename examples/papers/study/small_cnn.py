"""The small classifier that the experiments on small images share."""

import keras


def small_cnn(image_shape, num_classes, value_range, augmentation=None, seed=0):
    """Three convolutions and a softmax; takes images in `value_range`.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: Int.
        value_range: Pair of floats, mapped to -1 and 1 after augmentation.
        augmentation: Keras layer on images, or `None`.
        seed: Int, for the initial weights; the same with and without augmentation.

    Returns:
        A `keras.Sequential`, not compiled; its convolutions are named `"conv1"` to
        `"conv3"`.
    """
    low, high = value_range
    seeds = iter(range(4 * seed, 4 * seed + 4))
    layers = [keras.Input(image_shape)]
    if augmentation is not None:
        layers.append(augmentation)
    layers.append(keras.layers.Rescaling(2 / (high - low), -1 - 2 * low / (high - low)))
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
