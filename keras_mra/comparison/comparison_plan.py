"""The plan of a comparison: how its classifiers are trained, and how long."""

import dataclasses
import math
from typing import Any

from keras_mra.classifiers.network_recipes import recipe_for
from keras_mra.comparison.comparison_data import ComparisonData
from keras_mra.comparison.comparison_data import draw

# With equal spread, the t-interval of two seeds is 3.6 times as wide as that of three,
# and that of three is twice as wide as that of five.
SEEDS, MORE_SEEDS = 3, 5
# Fewer epochs flatter weak augmentations; more show little that is new.
FEW_EPOCHS, FEWEST_EPOCHS = 20, 2
MOST_EPOCHS, MOST_STEPS = 300, 12_000
# Beyond these, more seeds tell more than more epochs.
ENOUGH_EPOCHS = 60


@dataclasses.dataclass(frozen=True)
class Costs:
    """What was timed before the first run.

    Attributes:
        steps_per_epoch: Int.
        seconds_per_step: Dict from arms to floats, with the augmentation.
        seconds_per_run: Float, what a run takes beside its steps.
    """

    steps_per_epoch: int
    seconds_per_step: dict[str, float]
    seconds_per_run: float

    def round(self, epochs: int) -> float:
        """Seconds that one seed of all arms takes."""
        steps = epochs * self.steps_per_epoch
        return sum(
            self.seconds_per_run + steps * seconds
            for seconds in self.seconds_per_step.values()
        )


def settled_plan(
    data: ComparisonData, network: str, labels_per_class: int | None
) -> dict[str, Any]:
    """What of a plan is settled before anything is timed: all but the epochs.

    Args:
        data: `ComparisonData`.
        network: String, as in `build_network`.
        labels_per_class: Int, or `None` for all.

    Returns:
        A dict of the images, classes and steps, and of `recipe_for`.
    """
    images = len(draw(data.train[1], labels_per_class, 0))
    recipe = recipe_for(network, images)
    return {
        "network": network,
        "train_images": images,
        "test_images": len(data.test[0]),
        "classes": len(data.class_names),
        # The last batch is dropped if it is smaller.
        "steps_per_epoch": images // recipe["batch_size"],
        **recipe,
    }


def make_plan(
    costs: Costs, minutes: float, epochs: int | None, seeds: int | None
) -> int:
    """Chooses the epochs, such that the seeds of all arms fit into the time.

    If `seeds` is given, as many epochs as fit are chosen. Otherwise there are `SEEDS`
    seeds of up to `ENOUGH_EPOCHS` epochs, and more epochs are chosen only if
    `MORE_SEEDS` seeds of them fit.

    Args:
        costs: `Costs`.
        minutes: Float.
        epochs: Int, which is returned, or `None`.
        seeds: Int, or `None` for as many as fit.

    Returns:
        Int, the epochs of each run.
    """
    if epochs is not None:
        return epochs
    start = costs.round(0)
    per_epoch = costs.round(1) - start

    def fit(seeds: int) -> int:
        return math.floor((60 * minutes / seeds - start) / per_epoch)

    if seeds is None:
        fitting = max(min(fit(SEEDS), ENOUGH_EPOCHS), fit(MORE_SEEDS))
    else:
        fitting = fit(seeds)
    most = min(MOST_EPOCHS, math.ceil(MOST_STEPS / costs.steps_per_epoch))
    return max(FEWEST_EPOCHS, min(fitting, most))


def planned_seeds(planned_epochs: int, epochs: int | None, seeds: int | None) -> int:
    """The seeds that fit by the plan. More may follow if `seeds` is `None`.

    Args:
        planned_epochs: Int, as `make_plan` returns it.
        epochs, seeds: As in `make_plan`.
    """
    if seeds is not None:
        return seeds
    return MORE_SEEDS if epochs is None and planned_epochs > ENOUGH_EPOCHS else SEEDS
