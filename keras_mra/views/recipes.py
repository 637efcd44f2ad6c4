"""Recipes of views: a weak one for the student, a strong one for the teacher."""

import itertools
from collections.abc import Iterator

import keras
import numpy as np

from keras_mra import checks
from keras_mra.typing import ImageShape
from keras_mra.views.random_apply import RandomApply
from keras_mra.views.random_blur import RandomBlur
from keras_mra.views.random_resized_crop import RandomResizedCrop
from keras_mra.views.view import View

# Arguments of Keras' own layers, so that global settings do not reach the pixels.
PIXELS = {"data_format": "channels_last", "dtype": "float32"}


def weak(
    image_shape: ImageShape,
    value_range: tuple[float, float] = (0, 255),
    seed: int | None = None,
    crop_scale: tuple[float, float] | None = (0.2, 1.0),
) -> View:
    """Random resized crop and horizontal flip, the views that MAE is trained on.

    Args:
        image_shape: Triple of ints, `(height, width, channels)`.
        value_range: Pair of floats, `(low, high)`, the range of the images.
        seed: Int or `None`. Each layer gets a seed of its own, which is derived from
            this one. A weak and a strong view of the same seed are independent.
        crop_scale: Pair of floats in (0, 1], the range of the crop's share of the
            area. `None` leaves the crop out, for images that are random crops already.

    Returns:
        A `View`.

    Raises:
        ValueError: If an argument is bad.

    Example:

    ```python
    view = keras_mra.views.weak((64, 64, 3), seed=0)
    crops = view(images)
    ```
    """
    seeds = _layer_seeds(seed, stream=0)
    return View(_crop_and_flip(crop_scale, seeds), image_shape, value_range)


def strong(
    image_shape: ImageShape,
    value_range: tuple[float, float] = (0, 255),
    seed: int | None = None,
    crop_scale: tuple[float, float] | None = (0.2, 1.0),
    *,
    jitter: float = 0.8,
    grayscale: float = 0.2,
    blur: float = 0.5,
    solarize: float = 0.1,
) -> View:
    """Crop, flip, colour jitter, grayscale, blur and solarisation.

    These are MoCo v2's augmentations and BYOL's solarisation, in the order of
    torchvision's recipes. A rate is the share of the images that are changed; 0 leaves
    the operation out. The default crops are those of `weak`. Small, centred images,
    such as those of Fashion-MNIST, may need `(0.4, 1.0)`.

    Jitter changes brightness (by up to 0.2 of `value_range`), contrast and saturation
    (by a factor from 0.6 to 1.4) and hue (by up to a tenth of the circle). Saturation,
    hue and grayscale apply only to images with 3 channels.

    The standard deviation of the blur is at most 2 pixels. Images whose shorter side
    has less than 128 pixels get a smaller maximum, so that their subject survives: 1/64
    of that side, and at least half a pixel.

    Args:
        image_shape: Triple of ints, `(height, width, channels)`.
        value_range: Pair of floats, `(low, high)`, the range of the images.
        seed: Int or `None`, as in `weak`.
        crop_scale: Pair of floats in (0, 1], or `None`, as in `weak`.
        jitter: Float in [0, 1], the rate of the colour jitter.
        grayscale: Float in [0, 1], the rate of the conversion to grey.
        blur: Float in [0, 1], the rate of the Gaussian blur.
        solarize: Float in [0, 1], the rate of solarisation, which inverts all values
            above a random threshold.

    Returns:
        A `View`.

    Raises:
        ValueError: If an argument is bad.

    Example:

    ```python
    view = keras_mra.views.strong((64, 64, 3), crop_scale=(0.4, 1.0), solarize=0)
    ```
    """
    image_shape = checks.image_shape(image_shape)
    seeds = _layer_seeds(seed, stream=1)
    layers = _crop_and_flip(crop_scale, seeds)
    colour = image_shape[-1] == 3
    widest = min(max(min(image_shape[:2]) / 64, 0.5), 2.0)
    for name, rate, layer in (
        ("jitter", jitter, _jitter(colour, seeds)),
        # Always grey, because the layer does not save the seed of its own factor.
        ("grayscale", grayscale, keras.layers.RandomGrayscale(1.0, **PIXELS)),
        ("blur", blur, RandomBlur((0.1, widest), next(seeds))),
        # The whole range, because the layer does not scale the low end of a narrower
        # range of thresholds.
        (
            "solarize",
            solarize,
            keras.layers.Solarization(
                threshold_factor=(0.0, 1.0),
                value_range=(0, 1),
                seed=next(seeds),
                **PIXELS,
            ),
        ),
    ):
        rate = checks.fraction(name, rate)
        if rate > 0 and (colour or name != "grayscale"):
            layers.append(RandomApply(layer, rate, next(seeds), name=name))
    return View(layers, image_shape, value_range)


def _crop_and_flip(
    crop_scale: tuple[float, float] | None, seeds: Iterator[int | None]
) -> list[keras.layers.Layer]:
    layers = [keras.layers.RandomFlip("horizontal", seed=next(seeds), **PIXELS)]
    if crop_scale is not None:
        crop_scale = checks.ascending_pair("crop_scale", crop_scale, upper=1.0)
        layers.insert(0, RandomResizedCrop(crop_scale, seed=next(seeds)))
    return layers


def _jitter(colour: bool, seeds: Iterator[int | None]) -> keras.layers.Layer:
    """The changes of `keras.layers.RandomColorJitter`, one layer each.

    The layers inside Keras' own jitter follow the global dtype policy, under which hue
    rounds pixels, and the global image format.
    """
    arguments = ({"value_range": (0, 1), "seed": seed, **PIXELS} for seed in seeds)
    layers = [
        keras.layers.RandomBrightness(0.2, **next(arguments)),
        # A pair, because a single number would only raise the contrast.
        keras.layers.RandomContrast((0.4, 0.4), **next(arguments)),
    ]
    if colour:
        # The layers multiply saturation by `f / (1 - f)` and turn hue by up to `f / 2`.
        layers += [
            keras.layers.RandomSaturation((0.6 / 1.6, 1.4 / 2.4), **next(arguments)),
            keras.layers.RandomHue(0.2, **next(arguments)),
        ]
    return keras.layers.Pipeline(layers)


def _layer_seeds(seed: int | None, stream: int) -> Iterator[int | None]:
    """Endless seeds, different ones in each stream."""
    seed = checks.seed(seed)
    if seed is None:
        return itertools.repeat(None)
    rng = np.random.default_rng([seed, stream])
    return (int(rng.integers(2**31)) for _ in itertools.count())
