"""`Comparison`: the errors of all arms and seeds, as a table and a verdict."""

import dataclasses
import statistics
from typing import Any

from keras_mra.comparison.arms import BASE
from keras_mra.comparison.paired_interval import interval
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import mean_and_deviation

# What is measured, as the table names it.
MEASURES = {
    "error": "error %",
    "occluded": "border hidden %",
    "swapped": "background swapped %",
}


@dataclasses.dataclass(frozen=True)
class Comparison(Result):
    """The result of `compare`.

    Attributes:
        runs: Dict from arms to lists of one dict for each seed, with the shares of the
            test images that are misclassified, `seconds` and the learning `curve`. The
            shares are `error`, of the images as they are; `occluded`, with a sixth of
            the side hidden at each border; and `swapped`, with the background of an
            image of another class. The object of an image is the 0.4 of its patches
            that the autoencoder attends to most. The first arm, `"base"`, adds nothing.
        base: String, what all arms begin with: `"flips and crops"`, or
            `"no augmentation"` for grey images.
        verdict: String: whether MRA pays, by how much, how sure that is, and the line
            of Python to use.
        attention: String, whether the autoencoder's attention sees objects.
        plan: Dict of the classes, images, network, epochs and steps.
        settings: Dict of the arguments of `compare`.
        machine: Dict of the hardware and the versions.
    """

    protocol = "compare"

    runs: dict[str, list[dict[str, Any]]]
    base: str
    verdict: str
    attention: str
    plan: dict[str, Any]
    settings: dict[str, Any]
    machine: dict[str, Any]

    def rows(self) -> list[tuple[str, ...]]:
        """The table that `print` shows: rows of strings, the heading first."""
        seconds = [statistics.mean(r["seconds"] for r in x) for x in self.runs.values()]
        rows = [("", *MEASURES.values(), "95 % interval of the change", "train s")]
        for (arm, its_runs), duration in zip(self.runs.items(), seconds):
            cells = [
                mean_and_deviation([100 * run[measure] for run in its_runs])
                for measure in MEASURES
            ]
            name = self.base if arm == BASE else f"+ {arm}"
            rows.append((name, *cells, self._interval(arm), f"{duration:.0f}"))
        return rows

    def __str__(self) -> str:
        return f"{super().__str__()}\n\n{self.attention}\n\n{self.verdict}"

    def differences(self, arm: str) -> list[float]:
        """The error of an arm minus that of the base, seed by seed, as shares."""
        return differences(self.runs, arm)

    def interval(self, points: list[float]) -> tuple[float, float]:
        """The 95 % interval of the mean of differences in percentage points."""
        return interval(points, step=100 / self.plan["test_images"])

    def _interval(self, arm: str) -> str:
        values = [100 * one for one in self.differences(arm)]
        if arm == BASE or len(values) < 2:
            return ""
        low, high = self.interval(values)
        return f"{statistics.mean(values):+.2f} [{low:+.2f}, {high:+.2f}]"


def differences(
    runs: dict[str, list[dict[str, Any]]], arm: str, measure: str = "error"
) -> list[float]:
    """A measure of an arm minus that of the base, seed by seed, as shares."""
    return [one[measure] - other[measure] for one, other in zip(runs[arm], runs[BASE])]
