"""`ComparisonSettings`: the arguments that decide a comparison, checked by name."""

import dataclasses
import math
from typing import Any

import keras

from keras_mra import checks
from keras_mra import masking
from keras_mra.classifiers.networks.build_network import check_network
from keras_mra.comparison.arms import check_arms
from keras_mra.comparison.comparison_data import LARGEST_SIDE
from keras_mra.comparison.comparison_data import SMALLEST_SIDE
from keras_mra.comparison.comparison_data import ComparisonData
from keras_mra.models import MAE
from keras_mra.models.describe_mae import describe_mae
from keras_mra.pretrain.default_recipe import STEPS
from keras_mra.typing import Path

LONGEST = 366 * 24 * 60  # Minutes: a year.


@dataclasses.dataclass
class ComparisonSettings:
    """The arguments of `compare` that JSON can hold, and that decide the runs.

    Numbers of NumPy become those of Python.

    Attributes:
        preset, pretrain, network, arms, labels_per_class, image_size, minutes, epochs,
            seeds, mask_ratio, rate: As in `compare`. The preset is not looked for.

    Raises:
        ValueError: If an argument is bad. Nothing has been read then.
    """

    preset: Path | None
    pretrain: str | None
    network: str | None
    arms: Any
    labels_per_class: int | None
    image_size: int | None
    minutes: float
    epochs: int | None
    seeds: int | None
    mask_ratio: float
    rate: float

    def __post_init__(self) -> None:
        checks.choice("pretrain", self.pretrain, tuple(STEPS), optional=True)
        if self.network is not None:
            self.network = check_network(self.network)
        self.arms = check_arms(self.arms)
        if self.labels_per_class is not None:
            self.labels_per_class = checks.positive_int(
                "labels_per_class", self.labels_per_class
            )
        self.image_size = _optional(
            "image_size", self.image_size, SMALLEST_SIDE, LARGEST_SIDE
        )
        self.minutes = checks.number(
            "minutes",
            self.minutes,
            f"a positive number, at most {LONGEST:,}",
            low=math.ulp(0.0),
            high=LONGEST,
        )
        self.epochs = _optional("epochs", self.epochs, 1, 100_000)
        self.seeds = _optional("seeds", self.seeds, 1, 1000)
        self.mask_ratio = masking.check_ratio(self.mask_ratio)
        self.rate = checks.fraction("rate", self.rate)

    def network_for(self, images: ComparisonData) -> str:
        """The name of the classifier, which follows from the images if none is given.

        Args:
            images: `ComparisonData`.
        """
        if self.network is not None:
            return self.network
        return "resnet20" if images.image_shape[2] == 3 else "small_cnn"

    def recorded(self, images: ComparisonData, mae: MAE) -> dict[str, Any]:
        """What `compare.json` holds of them, and of what else decides the runs.

        Args:
            images: `ComparisonData`.
            mae: `MAE`, the preset's.
        """
        return {
            "data": images.name,
            "preset": None if self.preset is None else str(self.preset),
            # Another autoencoder may have been saved under the same path.
            "autoencoder": describe_mae(mae),
            # Seeds draw other numbers on another backend.
            "backend": keras.backend.backend(),
            "pretrain": self.pretrain,
            "network": self.network_for(images),
            "arms": self.arms,
            "labels_per_class": self.labels_per_class,
            "image_shape": list(images.image_shape),
            # A folder may have changed, and arrays have no name.
            "images_sha256": images.digest(),
            "minutes": self.minutes,
            "epochs": self.epochs,
            "seeds": self.seeds,
            "mask_ratio": self.mask_ratio,
            "rate": self.rate,
        }


def _optional(name: str, value: Any, low: int, high: int) -> int | None:
    if value is None:
        return None
    expected = f"an integer from {low:,} to {high:,} or None"
    return checks.integer(name, value, low, expected, high)
