"""Random views of images: a weak one for the student, a strong one for the teacher."""

import itertools

import keras
import numpy as np

from keras_mra import checks
from keras_mra.views.random_apply import RandomApply
from keras_mra.views.random_blur import RandomBlur
from keras_mra.views.random_resized_crop import RandomResizedCrop
from keras_mra.views.view import View


def weak(image_shape, value_range=(0, 255), seed=None, crop_scale=(0.2, 1.0)):
    """Random resized crop and horizontal flip, the views that MAE is trained on.

    Args:
        image_shape: Triple of ints, `(height, width, channels)`.
        value_range: Pair of floats, `(low, high)`, the range of the images.
        seed: Int or `None`. Each layer gets its own, derived from it; views of the
            same seed that are not of one kind are independent of each other.
        crop_scale: Pair of floats in (0, 1], the range of the crop's share of the
            area, or `None` for images that are crops already.

    Returns:
        A `View`.

    Example:

    ```python
    view = keras_mra.views.weak((64, 64, 3), seed=0)
    crops = view(images)
    ```
    """
    seeds = _layer_seeds(seed, stream=0)
    return View(_crop_and_flip(crop_scale, seeds), image_shape, value_range)


def strong(
    image_shape,
    value_range=(0, 255),
    seed=None,
    crop_scale=(0.2, 1.0),
    *,
    jitter=0.8,
    grayscale=0.2,
    blur=0.5,
    solarize=0.1,
):
    """Crop, flip, colour jitter, grayscale, blur and solarisation.

    MoCo v2's augmentations and BYOL's solarisation, in the order of torchvision's
    recipes. A rate is the share of the images that are changed; 0 leaves the
    operation out. The crops default to `weak`'s, so that strong views are no milder;
    small, centred images such as Fashion-MNIST's may want `(0.4, 1.0)`.

    Jitter changes brightness (by up to 0.2 of `value_range`), contrast (by a factor
    from 0.6 to 1.4), saturation (likewise) and hue (by up to a tenth of the circle).
    Saturation, hue and grayscale need colour: images that do not have 3 channels go
    without them, and keep the rest.

    The blur's Gaussian is at most 2 pixels wide; less in images of under 128 pixels,
    which would lose their subject: 1/64 of the shorter side, at least half a pixel.

    Args:
        image_shape: Triple of ints, `(height, width, channels)`.
        value_range: Pair of floats, `(low, high)`, the range of the images.
        seed: Int or `None`, as in `weak`.
        crop_scale: Pair of floats in (0, 1], or `None`, as in `weak`.
        jitter: Float in [0, 1], rate of the colour jitter.
        grayscale: Float in [0, 1], rate of the loss of colour.
        blur: Float in [0, 1], rate of the Gaussian blur.
        solarize: Float in [0, 1], rate of the inversion of all values above a random
            threshold.

    Returns:
        A `View`.

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
        # Gray always: its own factor would be drawn with a seed that it does not save.
        ("grayscale", grayscale, keras.layers.RandomGrayscale(1.0, **PIXELS)),
        ("blur", blur, RandomBlur((0.1, widest), next(seeds))),
        # Thresholds over the whole range: a narrower one is not scaled at its low end.
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


# Arguments of Keras' own layers: global settings must not reach the pixels.
PIXELS = {"data_format": "channels_last", "dtype": "float32"}


def _crop_and_flip(crop_scale, seeds):
    layers = [keras.layers.RandomFlip("horizontal", seed=next(seeds), **PIXELS)]
    if crop_scale is not None:
        layers.insert(0, RandomResizedCrop(crop_scale, seed=next(seeds)))
    return layers


def _jitter(colour, seeds):
    """What `keras.layers.RandomColorJitter` does, layer by layer.

    The layers inside Keras' own follow the global policy, in which hue rounds pixels,
    and the global image format.
    """
    seeds = ({"value_range": (0, 1), "seed": seed, **PIXELS} for seed in seeds)
    layers = [
        keras.layers.RandomBrightness(0.2, **next(seeds)),
        # A single number would only raise the contrast.
        keras.layers.RandomContrast((0.4, 0.4), **next(seeds)),
    ]
    if colour:
        # Saturation is multiplied by `f / (1 - f)`; hue is turned by up to `f / 2`.
        layers += [
            keras.layers.RandomSaturation((0.6 / 1.6, 1.4 / 2.4), **next(seeds)),
            keras.layers.RandomHue(0.2, **next(seeds)),
        ]
    return keras.layers.Pipeline(layers)


def _layer_seeds(seed, stream):
    """An endless supply of seeds; each stream has others."""
    seed = checks.seed(seed)
    if seed is None:
        return itertools.repeat(None)
    rng = np.random.default_rng([seed, stream])
    return (int(rng.integers(2**31)) for _ in itertools.count())
