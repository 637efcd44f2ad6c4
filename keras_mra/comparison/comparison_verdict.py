"""`comparison_verdict`: what a comparison says, in sentences."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from statistics import mean

from keras_mra.comparison.comparison_plan import FEW_EPOCHS
from keras_mra.comparison.paired_interval import interval

# The augmentations of this package that a verdict judges, each alone and with others.
_JUDGED = ("MRA", "AttentiveCutout")


def comparison_verdict(
    differences: Mapping[str, Sequence[float]],
    base: str,
    code: Mapping[str, str],
    epochs: int,
    swapped: Mapping[str, Sequence[float]],
    test_images: int,
) -> str:
    """Says whether MRA pays, by how much, how sure that is, and what to use.

    Where an augmentation was trained with and without MRA, the verdict says what MRA
    adds to it. The same holds for `AttentiveCutout`. What is sure on swapped
    backgrounds is said too. The arm with the lowest error among those that surely lower
    it is recommended. A chain must also surely be better than each such part of it.

    Args:
        differences: Dict from arms to the differences of their errors from those of
            the base, one for each seed, as shares.
        base: String, what all arms begin with.
        code: Dict from arms to lines of Python.
        epochs: Int, the epochs of each run.
        swapped: As `differences`, of the errors on swapped backgrounds.
        test_images: Int, the images that each error was measured on.
    """
    step = 100 / test_images
    points = {arm: _points(values) for arm, values in differences.items()}
    elsewhere = {arm: _points(values) for arm, values in swapped.items()}
    said = []
    for own in _JUDGED:
        if own in points:
            said.append(_judged(own, points[own], step, base))
            said += _on_swapped(elsewhere[own], step)
        for chain, values in points.items():
            alone = _without(own, chain, points)
            if alone is not None:
                added = _added(values, points[alone])
                where = f"with {alone}"
                said.append(_judged(own, added, step, f"{alone} alone", where))
                said += _on_swapped(_added(elsewhere[chain], elsewhere[alone]), step)
    if useful := _useful(points, step):
        best = min(useful, key=lambda arm: mean(points[arm]))
        if best not in _JUDGED:
            said.append(f"{best} lowers the error by {-mean(points[best]):.1f} points.")
        said.append(f"Use {code[best]}")
    else:
        said.append(
            f"Use {base} alone: no augmentation compared here lowers the error with "
            "certainty."
        )
    if epochs < FEW_EPOCHS:
        said.append(
            f"{epochs} epochs are few, and augmentations need many: give more minutes "
            "before you rely on this."
        )
    return " ".join(said)


def _useful(points: Mapping[str, list[float]], step: float) -> list[str]:
    """The arms that surely lower the error, without needless parts."""
    sure = {arm: set(arm.split("+")) for arm in points if _lowers(points[arm], step)}
    return [
        arm
        for arm, parts in sure.items()
        if all(
            _lowers(_added(points[arm], points[simpler]), step)
            for simpler, its_parts in sure.items()
            if its_parts < parts
        )
    ]


def _without(own: str, chain: str, arms: Iterable[str]) -> str | None:
    """The arm that lacks nothing of a chain but `own`, if there is one."""
    parts = set(chain.split("+"))
    if own not in parts:
        return None
    rest = parts - {own}
    return next((arm for arm in arms if set(arm.split("+")) == rest), None)


def _judged(
    own: str,
    points: Sequence[float],
    step: float,
    base: str,
    where: str = "on these images",
) -> str:
    change = mean(points)
    shown = f"{abs(change):.1f}"
    word = "changes" if shown == "0.0" else "lowers" if change < 0 else "raises"
    how = f"it {word} the error by {shown} points compared with {base}"
    if len(points) < 2:
        return f"One seed cannot tell whether {own} pays {where}: {how}."
    low, high = interval(points, step)
    sure = f"95 % interval of {len(points)} seeds: {low:+.1f} to {high:+.1f}"
    if high < 0:
        return f"{own} pays {where}: {how} ({sure})."
    if low > 0:
        return f"{own} does not pay {where}: {how} ({sure})."
    return f"It is not certain that {own} pays {where}: {how} ({sure})."


def _on_swapped(points: Sequence[float], step: float) -> list[str]:
    """What is sure on swapped backgrounds: one sentence, or none."""
    if len(points) < 2:
        return []
    low, high = interval(points, step)
    if low <= 0 <= high:
        return []
    word = "lowers" if high < 0 else "raises"
    return [
        f"With the background of an image of another class, it {word} the error by "
        f"{abs(mean(points)):.1f} points ({low:+.1f} to {high:+.1f})."
    ]


def _points(shares: Sequence[float]) -> list[float]:
    return [100 * share for share in shares]


def _added(chain: Sequence[float], alone: Sequence[float]) -> list[float]:
    """What a chain of augmentations adds to a part of it, seed by seed."""
    return [one - other for one, other in zip(chain, alone)]


def _lowers(points: Sequence[float], step: float) -> bool:
    return len(points) > 1 and interval(points, step)[1] < 0
