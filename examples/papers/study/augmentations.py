"""The augmentations of the arms, by name: MRA, and those that it is compared with."""

import itertools

from keras import layers

from keras_mra import backend
from keras_mra import checks
from keras_mra import masking
from keras_mra.layers import AttentiveCutMix
from keras_mra.layers import AttentiveCutout
from keras_mra.layers import AugMix
from keras_mra.layers import MaskReconstruct
from keras_mra.layers import RandAugment
from keras_mra.layers import TrivialAugment
from study.central_cutout import CentralCutout
from study.on_classes import OnClasses
from study.on_some import OnSome

# The settings of MRA: the share of the patches that it repaints, the share of the
# images that it augments, and the noise on its choice of patches.
_MRA = {"mask_ratio": 0.4, "rate": 0.5, "temperature": 0.0}
# The augmentations with their settings. None of the defaults is tuned: MRA masks by
# attention as in its paper.
STRENGTHS: dict[str, dict[str, float]] = {
    "flip+crop": {},
    "TrivialAugment": {},
    "RandAugment": {"randaugment_strength": 0.5},
    "AugMix": {"augmix_strength": 0.3},
    "MRA": _MRA,
    "MRA random": {"mask_ratio": 0.4, "rate": 0.5},
    "MRA low attention": _MRA,
    "MRA tail": _MRA,
    "MRA grey": _MRA,
    "MRA random grey": {"mask_ratio": 0.4, "rate": 0.5},
    "MRA central grey": {"mask_ratio": 0.4, "rate": 0.5},
    # A square of half the image's side.
    "Cutout": {"cutout_area": 0.25},
    "AttentiveCutMix": {"paste_ratio": 0.2, "mask_ratio": 0.4, "rate": 0.5},
    "MixUp": {"mixup_alpha": 0.2},
    "CutMix": {"cutmix_alpha": 1.0},
}
_BY_ATTENTION = ("MRA", "MRA low attention", "MRA tail", "MRA grey", "AttentiveCutMix")
NEED_MAE = {part for part, own in STRENGTHS.items() if "mask_ratio" in own}
# A chain begins with flips and crops, and ends with what blends images: MRA needs the
# crop that the classifier sees, and an image that is not blended.
BLENDS = ("AttentiveCutMix", "MixUp", "CutMix")


def augmentation(
    name,
    image_shape,
    value_range,
    mae=None,
    strengths=None,
    tail=(),
    seed=0,
    attention_model=None,
):
    """Makes the layers of an arm.

    Args:
        name: A key of `STRENGTHS`, several of them joined by `"+"`, or `"none"`. They
            are applied in this order, but flips and crops first, and what blends
            images last.
        image_shape: `(height, width, channels)`.
        value_range: Pair of floats.
        mae: The `MAE` of an arm with MRA, or `None`.
        strengths: Dict of settings that replace those of `STRENGTHS`, or `None`.
        tail: Integers, the classes that "MRA tail" augments.
        seed: Int.
        attention_model: What `keras_mra.attention_of` returns, whose attention chooses
            the patches, or `None` for that of `mae`.

    Returns:
        List of Keras layers. Each takes and returns a dict of `"images"` and one-hot
        `"labels"`.

    Raises:
        ValueError: If there is no such arm, or if an arm with MRA has no `mae`.
    """
    names = parts(name)
    if uses_mra(name) and mae is None:
        raise ValueError(f"`mae` must be given for the arm {name!r}. Received: None")
    of = {key: value for part in names for key, value in STRENGTHS[part].items()}
    of.update({key: value for key, value in (strengths or {}).items() if key in of})
    grey = sum(value_range) / 2
    resize = mae is not None and tuple(image_shape[:2]) != mae.image_shape[:2]
    # Layers with the same seed would make the same draws.
    seeds = itertools.count(backend.folded_seed(100 * checks.required_seed(seed)))

    def reconstruct(strategy, rate=1.0):
        return MaskReconstruct(
            mae,
            of["mask_ratio"],
            strategy,
            temperature=of["temperature"] if strategy != "random" else 0.0,
            rate=rate,
            seed=next(seeds),
            resize=resize,
            attention_model=attention_model if strategy != "random" else None,
        )

    def cutout(strategy):
        temperature = of["temperature"] if strategy != "random" else 0.0
        return AttentiveCutout(
            attention_model or mae,
            of["mask_ratio"],
            strategy,
            temperature,
            seed=next(seeds),
        )

    def central_cutout():
        next(seeds)  # that of the patches of the other arms
        kept = masking.num_visible(mae.num_patches, of["mask_ratio"])
        return CentralCutout(mae.grid, kept, grey)

    def on_some(layer):
        return [OnSome(layer, of["rate"], next(seeds))]

    made = {
        "flip+crop": lambda: flip_and_shift(next(seeds)),
        "RandAugment": lambda: [
            RandAugment(
                strength=of["randaugment_strength"],
                value_range=value_range,
                seed=next(seeds),
            )
        ],
        "AugMix": lambda: [
            AugMix(
                strength=of["augmix_strength"],
                value_range=value_range,
                seed=next(seeds),
            )
        ],
        "TrivialAugment": lambda: [TrivialAugment(value_range, seed=next(seeds))],
        "MRA": lambda: on_some(reconstruct("attention")),
        "MRA random": lambda: on_some(reconstruct("random")),
        "MRA low attention": lambda: on_some(reconstruct("low_attention")),
        "MRA tail": lambda: [OnClasses(reconstruct("attention", of["rate"]), tail)],
        # With the seeds of "MRA" and "MRA random", and so with the same images.
        "MRA grey": lambda: on_some(cutout("attention")),
        "MRA random grey": lambda: on_some(cutout("random")),
        "MRA central grey": lambda: on_some(central_cutout()),
        "Cutout": lambda: [
            layers.RandomErasing(
                # In every image: Keras draws the probability from this range.
                factor=(1.0, 1.0),
                scale=(of["cutout_area"], of["cutout_area"]),
                fill_value=grey,
                value_range=value_range,
                seed=next(seeds),
            )
        ],
        "AttentiveCutMix": lambda: [
            AttentiveCutMix(
                mae,
                of["paste_ratio"],
                of["mask_ratio"],
                of["rate"],
                next(seeds),
                resize=resize,
                attention_model=attention_model,
            )
        ],
        "MixUp": lambda: [layers.MixUp(alpha=of["mixup_alpha"], seed=next(seeds))],
        # Keras draws the parameter of the beta distribution from this range.
        "CutMix": lambda: [
            layers.CutMix(factor=(of["cutmix_alpha"],) * 2, seed=next(seeds))
        ],
    }
    names.sort(key=lambda part: (part in BLENDS, part != "flip+crop"))
    return [layer for part in names for layer in made[part]()]


def flip_and_shift(seed):
    """Layers that mirror images, and shift them by up to an eighth of each side."""
    return [
        layers.RandomFlip("horizontal", seed=seed),
        layers.RandomTranslation(1 / 8, 1 / 8, fill_mode="constant", seed=seed + 50),
    ]


def parts(name):
    """The augmentations that an arm's name joins, in its order, as a list of strings.

    Raises:
        ValueError: If there is no such arm.
    """
    if name == "none":
        return []
    found, rest = [], f"{name}+"
    while rest:
        # The longest, because other names begin with "MRA".
        fitting = [part for part in STRENGTHS if rest.startswith(f"{part}+")]
        part = max(fitting, key=len, default=None)
        if part is None or part in found:
            raise ValueError(
                f"An arm must be 'none' or made of {', '.join(STRENGTHS)}, joined by "
                f"'+'. Received: {name!r}"
            )
        found.append(part)
        rest = rest.removeprefix(f"{part}+")
    return found


def uses_mra(name):
    """Whether an arm needs the autoencoder."""
    return any(part in NEED_MAE for part in parts(name))


def uses_attention(name):
    """Whether attention chooses the patches of an arm."""
    return any(part in _BY_ATTENTION for part in parts(name))


def strengths_of(name):
    """The names of the settings that decide an arm, as a set of strings."""
    return {key for part in parts(name) for key in STRENGTHS[part]}
