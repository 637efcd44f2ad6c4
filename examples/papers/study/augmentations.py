"""The augmentations that MRA is compared with, and MRA, by name."""

import itertools

import keras
import numpy as np
from keras import layers
from keras import ops

from keras_mra.layers import MaskReconstruct

# In the order in which a chain applies them: MRA wants the crop that the classifier
# sees, and no blend of two images.
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
        mae: `MAE` for the arms of MRA.
        mask_ratio: Float in (0, 1), share of the patches that MRA repaints.
        rate: Float in [0, 1], fraction of the images that MRA augments.
        temperature: Float, of MRA's choice by attention.
        tail: Integers, the classes that "MRA tail" augments.
        seed: Int.

    Returns:
        List of Keras layers, each of which takes and returns a dict of `"images"` and
        one-hot `"labels"`.

    Raises:
        ValueError: If there is no such arm, or no `mae` for one of MRA.
    """
    names = parts(name)
    if any(part.startswith("MRA") for part in names) and mae is None:
        raise ValueError(f"`mae` must be given for the arm {name!r}. Received: None")
    low, high = value_range
    # Layers of one seed would draw alike: which are mirrored, and which moved left.
    seeds = itertools.count(100 * seed)

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
            # A square of half the side, as for CIFAR-10 in its paper.
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
    """Mirroring, and moves by up to an eighth of each side: padding and cropping."""
    return [
        layers.RandomFlip("horizontal", seed=seed),
        layers.RandomTranslation(1 / 8, 1 / 8, fill_mode="constant", seed=seed + 50),
    ]


@keras.saving.register_keras_serializable("keras_mra")
class OnClasses(layers.Layer):
    """Augments the images of some classes alone.

    Args:
        layer: Keras layer on images.
        classes: Integers, the classes.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Dict of `"images"` and one-hot `"labels"`.
    """

    def __init__(self, layer, classes, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.classes = [int(label) for label in classes]

    def call(self, inputs, training=True):
        images, labels = inputs["images"], inputs["labels"]
        chosen = np.zeros(labels.shape[-1], "float32")
        chosen[self.classes] = 1
        chosen = ops.sum(labels * chosen, axis=-1)[:, None, None, None] > 0.5
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
    """The names that an arm's name joins."""
    if name == "none":
        return []
    found, rest = [], f"{name}+"
    for part in sorted(ORDER, key=len, reverse=True):  # "MRA" begins other names
        if f"{part}+" in rest:
            found.append(part)
            rest = rest.replace(f"{part}+", "", 1)
    if rest or not found:
        raise ValueError(
            f"An arm must be 'none' or made of {', '.join(ORDER)}, joined by '+'. "
            f"Received: {name!r}"
        )
    return found
