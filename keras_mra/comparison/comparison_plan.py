"""The plan of a comparison: how its classifiers are trained, and how long."""

import dataclasses
import math
from typing import Any

from keras_mra.classifiers.network_recipes import recipe_for
from keras_mra.comparison.comparison_data import ComparisonData
from keras_mra.comparison.comparison_data import draw

# The t-interval of two differences is seven times as wide as that of three.
SEEDS = 3
# Fewer epochs flatter weak augmentations; more show little that is new.
FEW_EPOCHS, FEWEST_EPOCHS = 20, 2
MOST_EPOCHS, MOST_STEPS = 300, 12_000


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


def make_plan(costs: Costs, minutes: float, epochs: int | None) -> int:
    """Chooses the epochs, such that `SEEDS` seeds of all arms fit into the time.

    Args:
        costs: `Costs`.
        minutes: Float.
        epochs: Int, which is returned, or `None`.

    Returns:
        Int, the epochs of each run.
    """
    if epochs is not None:
        return epochs
    start = costs.round(0)
    per_epoch = costs.round(1) - start
    fitting = math.floor((60 * minutes / SEEDS - start) / per_epoch)
    most = min(MOST_EPOCHS, math.ceil(MOST_STEPS / costs.steps_per_epoch))
    return max(FEWEST_EPOCHS, min(fitting, most))
