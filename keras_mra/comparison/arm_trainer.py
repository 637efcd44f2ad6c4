"""`ArmTrainer`: trains and judges a classifier of an arm, or times its steps."""

import functools
import time
from collections.abc import Callable
from typing import Any

import keras
from numpy.typing import NDArray

from keras_mra.classifiers.augmented_batches import AugmentedBatches
from keras_mra.classifiers.augmented_batches import Base
from keras_mra.classifiers.flip_crop import flip_crop
from keras_mra.classifiers.network_recipes import recipe_for
from keras_mra.classifiers.networks.build_network import build_network
from keras_mra.classifiers.predictions import classification_error
from keras_mra.classifiers.train_classifier import train_classifier
from keras_mra.comparison.arms import BASE
from keras_mra.comparison.arms import MRASettings
from keras_mra.comparison.arms import layers_of
from keras_mra.comparison.comparison_data import ComparisonData
from keras_mra.comparison.comparison_data import draw
from keras_mra.comparison.comparison_plan import Costs
from keras_mra.datasets import ArrayDataset
from keras_mra.evaluation.background_reliance import attended_masks
from keras_mra.evaluation.background_reliance import on_other_backgrounds
from keras_mra.evaluation.occlusion import boundary_occlusion
from keras_mra.layers.attention_of import attention_of
from keras_mra.pixels import in_value_range

# The border that hides a part of the test images, as a share of their side.
BORDER = 1 / 6
# The share of the patches of a test image that are its object: the most attended ones.
OBJECT = 0.4
TIMED_STEPS = 4


class ArmTrainer:
    """Trains the classifiers of a comparison. All arms of a seed differ in one thing.

    Their initial weights, images, order, flips, crops, steps and schedule are equal.

    Args:
        data: `ComparisonData`.
        network: String, as in `build_network`.
        labels_per_class: Int, or `None` for all.
        mra: `MRASettings`.
    """

    def __init__(
        self,
        data: ComparisonData,
        network: str,
        labels_per_class: int | None,
        mra: MRASettings,
    ) -> None:
        self.data, self.network, self.mra = data, network, mra
        self.labels_per_class = labels_per_class
        self.value_range = mra.mae.value_range
        self.base: Base | None = None
        if data.image_shape[2] == 3:
            self.base = functools.partial(flip_crop, black=self.value_range[0])
        self.recipe = recipe_for(network, len(draw(data.train[1], labels_per_class, 0)))
        self.test = self._tested(data.test[0])

    def run(self, arm: str, seed: int, epochs: int) -> dict[str, Any]:
        """Trains one classifier, and judges it on the test images.

        Returns:
            A dict of shares and seconds, as in `Comparison.runs`.
        """
        started = time.perf_counter()
        network, recipe = self._network(seed), dict(self.recipe)
        curve = train_classifier(
            network,
            self._train(seed, recipe.pop("batch_size")),
            self.test,
            base=self.base,
            layers=layers_of(arm, self.mra, self.value_range, seed),
            value_range=self.value_range,
            epochs=epochs,
            **{**recipe, "warmup_epochs": min(recipe["warmup_epochs"], epochs // 5)},
        )
        return {
            "seed": seed,
            "error": classification_error(network, self.test),
            "occluded": classification_error(network, self.test, self._hide_border),
            "swapped": classification_error(network, self.swapped),
            "seconds": time.perf_counter() - started,
            "curve": curve,
        }

    def time(self, arms: list[str]) -> Costs:
        """Times some steps of each arm. The classifier that they train is dropped."""
        network = self._network(0)
        network.compile("sgd", "categorical_crossentropy")
        train = self._train(0, self.recipe["batch_size"])
        plain = self._batches(train, BASE)
        started = time.perf_counter()
        network.train_on_batch(*plain[0])
        compilation = time.perf_counter() - started
        step = _seconds(lambda: network.train_on_batch(*plain[0]))
        seconds = {}
        for arm in [BASE, *arms]:
            read = functools.partial(self._batches(train, arm).__getitem__, 0)
            started = time.perf_counter()
            read()
            compilation = max(compilation, time.perf_counter() - started)
            seconds[arm] = step + _seconds(read)
        # Three versions of the test images, each at a third of the cost of training.
        tests = len(self.data.test[0]) / train.batch_size * step
        return Costs(len(train), seconds, compilation + tests)

    @functools.cached_property
    def swapped(self) -> ArrayDataset:
        """The test images with backgrounds of images of other classes."""
        images, labels = self.data.test
        # The attention takes images of any size, and the autoencoder of one.
        attention = attention_of(self.mra.mae, copy=False)
        seen = in_value_range(images, self.value_range)
        masks = attended_masks(attention, seen, 1 - OBJECT)
        return self._tested(on_other_backgrounds(images, labels, masks))

    def _tested(self, images: NDArray[Any]) -> ArrayDataset:
        return ArrayDataset(
            in_value_range(images, self.value_range),
            self.data.test[1],
            500,
            shuffle=False,
            drop_last=False,
        )

    def _network(self, seed: int) -> keras.Model:
        classes = len(self.data.class_names)
        return build_network(
            self.network, self.data.image_shape, classes, self.value_range, seed
        )

    def _train(self, seed: int, batch_size: int) -> ArrayDataset:
        images, labels = self.data.train
        chosen = draw(labels, self.labels_per_class, seed)
        return ArrayDataset(
            in_value_range(images[chosen], self.value_range),
            labels[chosen],
            batch_size,
            seed=seed,
        )

    def _batches(self, train: ArrayDataset, arm: str) -> AugmentedBatches:
        layers = layers_of(arm, self.mra, self.value_range, 0)
        classes = len(self.data.class_names)
        return AugmentedBatches(train, layers, classes, self.value_range, self.base)

    def _hide_border(self, images: NDArray[Any]) -> NDArray[Any]:
        side = min(self.data.image_shape[:2])
        width = max(1, round(BORDER * side))
        return boundary_occlusion(images, width, self.value_range[0])


def _seconds(function: Callable[[], Any]) -> float:
    """The mean duration of a call."""
    started = time.perf_counter()
    for _ in range(TIMED_STEPS):
        function()
    return (time.perf_counter() - started) / TIMED_STEPS
