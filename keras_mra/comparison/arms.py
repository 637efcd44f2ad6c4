"""The arms of a comparison: what each adds to the flips and crops of all of them."""

import dataclasses
import itertools
import reprlib
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras

from keras_mra import backend
from keras_mra.layers import AttentiveCutMix
from keras_mra.layers import AttentiveCutout
from keras_mra.layers import AugMix
from keras_mra.layers import MaskReconstruct
from keras_mra.layers import RandAugment
from keras_mra.layers import TrivialAugment
from keras_mra.models import MAE

BASE = "base"
# MRA, and the two usual augmentations with the largest gains in
# `docs/results/natural.md`.
DEFAULT_ARMS = ("MRA", "RandAugment", "TrivialAugment")


@dataclasses.dataclass(frozen=True)
class MRASettings:
    """How the arms with MRA augment.

    Attributes:
        mae: `MAE`.
        mask_ratio: Float in (0, 1), the share of the patches that are repainted or made
            grey.
        rate: Float in [0, 1], the fraction of the images that are augmented.
    """

    mae: MAE
    mask_ratio: float
    rate: float

    def layer(self, seed: int, strategy: str = "attention") -> keras.layers.Layer:
        """Makes the layer of an arm, which shares the autoencoder with the others."""
        return MaskReconstruct(
            self.mae,
            self.mask_ratio,
            strategy,
            rate=self.rate,
            seed=seed,
            resize=True,
            copy=False,
        )


# In the order in which a chain applies them. What needs an image with its own colours
# comes first; what blends images comes last.
_LAYERS: dict[str, tuple[Callable[[MRASettings, Any, int], Any], str]] = {
    "MRA": (
        lambda mra, value_range, seed: mra.layer(seed),
        "keras_mra.layers.MaskReconstruct(mae, mask_ratio={ratio}, rate={rate}, "
        "resize=True)",
    ),
    "MRA random": (
        lambda mra, value_range, seed: mra.layer(seed, "random"),
        "keras_mra.layers.MaskReconstruct(mae, mask_ratio={ratio}, "
        'strategy="random", rate={rate}, resize=True)',
    ),
    "AttentiveCutout": (
        lambda mra, value_range, seed: AttentiveCutout(
            mra.mae, mra.mask_ratio, rate=mra.rate, seed=seed, copy=False
        ),
        "keras_mra.layers.AttentiveCutout(mae, mask_ratio={ratio}, rate={rate})",
    ),
    "TrivialAugment": (
        lambda mra, value_range, seed: TrivialAugment(value_range, seed),
        "keras_mra.layers.TrivialAugment({range})",
    ),
    "RandAugment": (
        lambda mra, value_range, seed: RandAugment(value_range, seed=seed),
        "keras_mra.layers.RandAugment({range})",
    ),
    "AugMix": (
        lambda mra, value_range, seed: AugMix(value_range, seed=seed),
        "keras_mra.layers.AugMix({range})",
    ),
    "AttentiveCutMix": (
        lambda mra, value_range, seed: AttentiveCutMix(
            mra.mae,
            mask_ratio=mra.mask_ratio,
            rate=mra.rate,
            seed=seed,
            resize=True,
            copy=False,
        ),
        "keras_mra.layers.AttentiveCutMix(mae, mask_ratio={ratio}, rate={rate}, "
        "resize=True)",
    ),
    "CutMix": (
        lambda mra, value_range, seed: keras.layers.CutMix(seed=seed),
        "keras.layers.CutMix()",
    ),
    "MixUp": (
        lambda mra, value_range, seed: keras.layers.MixUp(seed=seed),
        "keras.layers.MixUp()",
    ),
}
NAMES = tuple(_LAYERS)


def check_arms(arms: Any) -> list[str]:
    """Returns the arms, each once, with the parts of a chain in their fixed order.

    Args:
        arms: List or tuple of names in `NAMES`, or several of them joined by `"+"`.

    Raises:
        ValueError: If an arm does not exist, or none is given.
    """
    if not isinstance(arms, (list, tuple)) or not arms:
        raise ValueError(
            f"`arms` must be a list of arms. Received: arms={reprlib.repr(arms)}"
        )
    for arm in arms:
        if not isinstance(arm, str) or not set(arm.split("+")) <= set(NAMES):
            raise ValueError(
                f"`arms` must be made of {', '.join(NAMES)}, joined by '+'. "
                f"Received: {reprlib.repr(arm)}"
            )
    return list(dict.fromkeys("+".join(_parts(arm)) for arm in arms))


def layers_of(
    arm: str, mra: MRASettings, value_range: tuple[float, float], seed: int
) -> list[keras.layers.Layer]:
    """Makes the layers of an arm.

    Args:
        arm: A name that `check_arms` accepts, or `BASE`, which adds nothing.
        mra: `MRASettings`.
        value_range: Pair of floats.
        seed: Int.

    Returns:
        List of Keras layers on dicts of `"images"` and one-hot `"labels"`.
    """
    # Layers with the same seed would make the same draws.
    seeds = itertools.count(backend.folded_seed(100 * seed))
    return [_LAYERS[name][0](mra, value_range, next(seeds)) for name in _parts(arm)]


def code_of(arm: str, preset: str, mra: MRASettings) -> str:
    """The line of Python that makes an arm's layers.

    Args:
        arm: As in `layers_of`, but not `BASE`.
        preset: String, the name or path of the autoencoder's preset.
        mra: `MRASettings`.
    """
    value_range = mra.mae.value_range
    is_usual = value_range == (0, 255)  # The default of these layers.
    lines = [
        _LAYERS[name][1]
        .replace("(mae,", f"(keras_mra.MAE.from_preset({preset!r}),")
        .format(
            ratio=mra.mask_ratio,
            rate=mra.rate,
            range="" if is_usual else f"value_range={value_range}",
        )
        for name in _parts(arm)
    ]
    return (
        lines[0] if len(lines) == 1 else f"keras.layers.Pipeline([{', '.join(lines)}])"
    )


def _parts(arm: str) -> Iterator[str]:
    parts = arm.split("+")
    return (name for name in _LAYERS if name in parts)
