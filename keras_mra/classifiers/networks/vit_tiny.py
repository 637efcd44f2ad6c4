"""ViT-Ti, the smallest vision transformer of DeiT."""

import keras

from keras_mra.evaluation.classifier import build_classifier
from keras_mra.fitting_patch import fitting_patch
from keras_mra.models import MAE
from keras_mra.typing import ImageShape


def vit_tiny(
    image_shape: ImageShape, num_classes: int, value_range: tuple[float, float]
) -> keras.Model:
    """Builds a ViT-Ti: 12 blocks of width 192 with 3 heads, 5.4 M parameters.

    The patches are those of `fitting_patch`: 4 pixels for images of 32, 8 for 64, and
    the published 16 for 224.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: Int.
        value_range: Pair of floats, the range of the images.

    Returns:
        A `keras.Model` from images to probabilities `(batch, num_classes)`.
    """
    encoder = MAE(
        image_shape,
        fitting_patch(image_shape),
        encoder_dim=192,
        encoder_depth=12,
        encoder_heads=3,
        decoder_depth=0,
        value_range=value_range,
        # The seed that `keras.utils.set_random_seed` has set decides the weights.
        seed=None,
    )
    network, _ = build_classifier(encoder, image_shape, num_classes, pool="cls")
    return network
