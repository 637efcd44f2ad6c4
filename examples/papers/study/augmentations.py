"""The augmentations of the arms, by name: MRA, and those that it is compared with."""

import itertools

import keras
import numpy as np
from keras import layers
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.layers import MaskReconstruct

# The order in which a chain applies them: MRA needs the crop that the classifier sees,
# and an image that is not blended with another.
ORDER = (
    "flip+crop",
    "RandAugment",
    "AugMix",
    "MRA",
    "MRA random",
    "MRA low attention",
    "MRA tail",
    "Cutout",
    "MixUp",
    "CutMix",
)


def augmentation(
    name,
    image_shape,
    value_range,
    mae=None,
    mask_ratio=0.4,
    rate=0.5,
    temperature=0.0,
    tail=(),
    seed=0,
):
    """Makes the layers of an arm.

    Args:
        name: One of `ORDER`, several of them joined by `"+"`, or `"none"`.
        image_shape: `(height, width, channels)`.
        value_range: Pair of floats.
        mae: The `MAE` of an arm with MRA, or `None`.
        mask_ratio: Float in (0, 1), the share of the patches that MRA repaints.
        rate: Float in [0, 1], the fraction of the images that MRA augments.
        temperature: Float, the temperature of MRA's choice by attention.
        tail: Integers, the classes that "MRA tail" augments.
        seed: Int.

    Returns:
        List of Keras layers. Each takes and returns a dict of `"images"` and one-hot
        `"labels"`.

    Raises:
        ValueError: If there is no such arm, or if an arm with MRA has no `mae`.
    """
    names = parts(name)
    if uses_mra(name) and mae is None:
        raise ValueError(f"`mae` must be given for the arm {name!r}. Received: None")
    low, high = value_range
    # Layers with the same seed would make the same draws.
    seeds = itertools.count(backend.folded_seed(100 * checks.required_seed(seed)))

    def reconstruct(strategy):
        return MaskReconstruct(
            mae,
            mask_ratio,
            strategy,
            temperature=0.0 if strategy == "random" else temperature,
            rate=rate,
            seed=next(seeds),
            resize=tuple(image_shape[:2]) != mae.image_shape[:2],
        )

    made = {
        "flip+crop": lambda: flip_and_shift(next(seeds)),
        # Two operations at half strength: the recipe of its paper for CIFAR.
        "RandAugment": lambda: [layers.RandAugment(value_range, seed=next(seeds))],
        "AugMix": lambda: [layers.AugMix(value_range, seed=next(seeds))],
        "MRA": lambda: [reconstruct("attention")],
        "MRA random": lambda: [reconstruct("random")],
        "MRA low attention": lambda: [reconstruct("low_attention")],
        "MRA tail": lambda: [OnClasses(reconstruct("attention"), tail)],
        "Cutout": lambda: [
            # A square of half the image's side, as in its paper for CIFAR-10.
            layers.RandomErasing(
                factor=1.0,
                scale=(0.25, 0.25),
                fill_value=(low + high) / 2,
                value_range=value_range,
                seed=next(seeds),
            )
        ],
        "MixUp": lambda: [layers.MixUp(alpha=0.2, seed=next(seeds))],
        "CutMix": lambda: [layers.CutMix(factor=1.0, seed=next(seeds))],
    }
    return [layer for part in ORDER if part in names for layer in made[part]()]


def flip_and_shift(seed):
    """Layers that mirror images, and shift them by up to an eighth of each side."""
    return [
        layers.RandomFlip("horizontal", seed=seed),
        layers.RandomTranslation(1 / 8, 1 / 8, fill_mode="constant", seed=seed + 50),
    ]


@keras.saving.register_keras_serializable("keras_mra")
class OnClasses(layers.Layer):
    """Augments only the images of some classes.

    Args:
        layer: Keras layer on images.
        classes: Integers, the classes to augment.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Dict of `"images"`, `(batch, height, width, channels)`, and one-hot
            `"labels"`, `(batch, classes)`.

    Returns:
        A dict of the same tensors, with the images of `classes` augmented.
    """

    def __init__(self, layer, classes, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.classes = [int(label) for label in classes]

    def call(self, inputs, training=True):
        images, labels = inputs["images"], inputs["labels"]
        chosen = np.zeros(labels.shape[-1], "float32")
        chosen[self.classes] = 1
        chosen = ops.sum(labels * chosen, axis=-1) > 0.5  # (B,)
        chosen = chosen[:, None, None, None]  # (B, 1, 1, 1)
        augmented = self.layer(images, training=training)
        return {**inputs, "images": ops.where(chosen, augmented, images)}

    def get_config(self):
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer, "classes": self.classes}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config.pop("layer"))
        return cls(layer, **config)


def parts(name):
    """The augmentations that an arm's name joins, as a list of strings.

    Raises:
        ValueError: If there is no such arm.
    """
    if name == "none":
        return []
    found, rest = [], f"{name}+"
    # The longest first, because other names begin with "MRA".
    for part in sorted(ORDER, key=len, reverse=True):
        if f"{part}+" in rest:
            found.append(part)
            rest = rest.replace(f"{part}+", "", 1)
    if rest or not found:
        raise ValueError(
            f"An arm must be 'none' or made of {', '.join(ORDER)}, joined by '+'. "
            f"Received: {name!r}"
        )
    return found


def uses_mra(name):
    """Whether an arm augments with MRA."""
    return any(part.startswith("MRA") for part in parts(name))
