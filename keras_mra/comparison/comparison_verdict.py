"""`comparison_verdict`: what a comparison says, in sentences."""

from collections.abc import Mapping
from collections.abc import Sequence
from statistics import mean

from keras_mra.comparison.comparison_plan import FEW_EPOCHS
from keras_mra.comparison.paired_interval import interval


def comparison_verdict(
    differences: Mapping[str, Sequence[float]],
    base: str,
    code: Mapping[str, str],
    epochs: int,
) -> str:
    """Says whether MRA pays, by how much, how sure that is, and what to use.

    Args:
        differences: Dict from arms to the differences of their errors from those of
            the base, one for each seed, as shares.
        base: String, what all arms begin with.
        code: Dict from arms to lines of Python.
        epochs: Int, the epochs of each run.
    """
    points = {arm: [100 * one for one in values] for arm, values in differences.items()}
    said = [_of_mra(points["MRA"], base)] if "MRA" in points else []
    sure = {arm: mean(values) for arm, values in points.items() if _lowers(values)}
    if sure:
        best = min(sure, key=lambda arm: sure[arm])
        if best != "MRA":
            said.append(f"{best} lowers the error by {-sure[best]:.1f} points.")
        said.append(f"Use {code[best]}")
    else:
        said.append(f"Use {base} alone: nothing compared here surely lowers the error.")
    if epochs < FEW_EPOCHS:
        said.append(
            f"{epochs} epochs are few, and augmentations need many: give more minutes "
            "before you rely on this."
        )
    return " ".join(said)


def _of_mra(points: Sequence[float], base: str) -> str:
    change = mean(points)
    word = "lowers" if change < 0 else "raises"
    how = f"it {word} the error by {abs(change):.1f} points compared with {base}"
    if len(points) < 2:
        return f"One seed cannot tell whether MRA pays on these images: {how}."
    low, high = interval(points)
    sure = f"95 % interval of {len(points)} seeds: {low:+.1f} to {high:+.1f}"
    if high < 0:
        return f"MRA pays on these images: {how} ({sure})."
    if low > 0:
        return f"MRA does not pay on these images: {how} ({sure})."
    return f"It is not certain that MRA pays on these images: {how} ({sure})."


def _lowers(points: Sequence[float]) -> bool:
    return len(points) > 1 and interval(points)[1] < 0
