"""The classifiers of the experiments, by name."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras

from keras_mra import backend
from keras_mra import checks
from keras_mra.classifiers.networks.cifar_resnet import cifar_resnet
from keras_mra.classifiers.networks.ends import probabilities
from keras_mra.classifiers.networks.ends import to_unit_range
from keras_mra.classifiers.networks.small_cnn import small_cnn
from keras_mra.classifiers.networks.vit_tiny import vit_tiny
from keras_mra.classifiers.networks.wide_resnet import wide_resnet
from keras_mra.typing import ImageShape

# Functions of the shape of the images, the number of classes and the range of the
# pixels.
NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "resnet20": functools.partial(cifar_resnet, depth=20),
    "resnet56": functools.partial(cifar_resnet, depth=56),
    "wrn_28_2": functools.partial(wide_resnet, depth=28, width=2),
    "vit_tiny": vit_tiny,
}


def build_network(
    name: str,
    image_shape: ImageShape,
    num_classes: int,
    value_range: tuple[float, float],
    seed: int,
) -> keras.Model:
    """Builds an untrained classifier.

    Args:
        name: `"small_cnn"`, a key of `NETWORKS`, or the name of a function of
            `keras.applications`.
        image_shape: `(height, width, channels)`.
        num_classes: Int.
        value_range: Pair of floats, the range of the images.
        seed: Int, decides the initial weights.

    Returns:
        A `keras.Model` from images to probabilities of shape
        `(batch, num_classes)`.

    Raises:
        ValueError: If there is no network of this name.
    """
    check_network(name)
    keras.utils.set_random_seed(backend.folded_seed(checks.required_seed(seed)))
    of = image_shape, num_classes, value_range
    if name == "small_cnn":
        return small_cnn(*of, seed=seed)
    if name in NETWORKS:
        return NETWORKS[name](*of)
    make: Any = getattr(keras.applications, name)
    images = keras.Input(image_shape)
    body = make(weights=None, include_top=False, pooling="avg", input_shape=image_shape)
    features = body(to_unit_range(value_range)(images))
    return keras.Model(images, probabilities(features, num_classes))


def check_network(name: Any) -> str:
    """Returns `name` if `build_network` knows it. Nothing is built.

    Raises:
        ValueError: If there is no network of this name.
    """
    is_known = isinstance(name, str) and (
        name in ("small_cnn", *NETWORKS)
        # Module names, such as "resnet", are not network names.
        or inspect.isfunction(getattr(keras.applications, name, None))
    )
    if not is_known:
        raise ValueError(
            f"`network` must be small_cnn, {', '.join(NETWORKS)}, or a function of "
            f"keras.applications, such as 'ResNet50'. Received: network={name!r}"
        )
    return str(name)
