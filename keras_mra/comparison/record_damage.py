"""`record_damage`: what is wrong with the records of a comparison."""

from typing import Any

from keras_mra import checks
from keras_mra.comparison.arms import BASE
from keras_mra.comparison.comparison_data import MOST_SEEDS
from keras_mra.comparison.comparison_plan import FEWEST_EPOCHS
from keras_mra.comparison.comparison_plan import MOST_EPOCHS

LONGEST_RUN = 1e9  # Seconds: 30 years.


def record_damage(
    found: dict[str, Any], settings: dict[str, Any], plan: dict[str, Any]
) -> str | None:
    """Says what no comparison of these settings has written, or returns `None`.

    A verdict on such records would be wrong, and would not show it.

    Args:
        found: Dict, what was read.
        settings: Dict, as in `Records`.
        plan: Dict, as in `Records`.

    Returns:
        A string for a message, or `None`.
    """
    attention = found.get("attention", "")
    if not isinstance(attention, str) or not attention.isprintable():
        return "`attention` must be a sentence"
    if "plan" in found and not _is_plan(found["plan"], settings, plan):
        return "`plan` must be that of the settings and the images"
    runs = found.get("runs", {})
    if not isinstance(runs, dict):
        return "`runs` must be an object"
    if runs and "plan" not in found:
        return "`plan` is missing"
    every = [BASE, *settings["arms"]]
    if list(runs) != every[: len(runs)]:
        return f"`runs` must be those of {', '.join(every)}, in this order"
    counts = []
    for arm, its_runs in runs.items():
        if not isinstance(its_runs, list):
            return f"the `runs` of {arm} must be a list"
        for seed, run in enumerate(its_runs):
            if damage := _run_damage(run, seed):
                return f"run {seed} of {arm} must have {damage}"
        counts.append(len(its_runs))
    # A seed is trained with all arms, in their order, before the next one begins.
    counts += [0] * (len(every) - len(counts))
    if sorted(counts, reverse=True) != counts or counts[0] > counts[-1] + 1:
        return "an arm has runs of seeds that an arm before it lacks"
    most = settings["seeds"] or MOST_SEEDS
    if counts[0] > most:
        return f"there must be at most {most} runs of each arm"
    return None


def _is_plan(found: Any, settings: dict[str, Any], plan: dict[str, Any]) -> bool:
    if not isinstance(found, dict) or not checks.is_integer(found.get("epochs")):
        return False
    epochs = found["epochs"]
    fewest = settings["epochs"] or FEWEST_EPOCHS
    most = settings["epochs"] or MOST_EPOCHS
    return fewest <= epochs <= most and found == {**plan, "epochs": epochs}


def _run_damage(run: Any, seed: int) -> str | None:
    if not isinstance(run, dict):
        return "the form of an object"
    if not checks.is_integer(run.get("seed")) or run["seed"] != seed:
        return f"the `seed` {seed}"
    for name in ("error", "occluded"):
        if not _is_number(run.get(name), 1):
            return f"an `{name}` in [0, 1]"
    if not _is_number(run.get("seconds"), LONGEST_RUN):
        return f"`seconds` from 0 to {LONGEST_RUN:g}"
    return None if _is_curve(run.get("curve")) else "a `curve` of equal lists"


def _is_number(value: Any, most: float) -> bool:
    """Whether a value is a number from 0 to `most`."""
    return checks.is_number(value) and bool(0 <= value <= most)


def _is_curve(curve: Any) -> bool:
    """Whether a value has the form of a `LearningCurve`. Its loss may be NaN."""
    if not isinstance(curve, dict) or list(curve) != ["epoch", "loss", "error"]:
        return False
    points = list(curve.values())
    return (
        all(isinstance(values, list) for values in points)
        and len({len(values) for values in points}) == 1
        and all(map(checks.is_integer, curve["epoch"]))
        and all(map(checks.is_number, curve["loss"]))
        and all(_is_number(value, 1) for value in curve["error"])
    )
