"""The search for settings, with the same number of trials for every arm."""

import itertools

import numpy as np

from keras_mra import checks
from keras_mra.classifiers.predictions import classification_error
from keras_mra.evaluation.result import table
from study import arms
from study.augmentations import strengths_of

# What is tried for every arm, as factors of the study's setting.
FACTORS = {"learning_rate": (0.25, 0.5, 1.0, 2.0, 4.0), "weight_decay": (0.2, 1.0, 5.0)}
# What is tried for the arms that have the setting.
VALUES = {
    "mask_ratio": (0.25, 0.4, 0.55, 0.7),
    "rate": (0.25, 0.5, 0.75, 1.0),
    "temperature": (0.0, 0.5, 1.0, 3.0),
    "cutout_area": (0.06, 0.12, 0.25, 0.4),
    "mixup_alpha": (0.1, 0.2, 0.5, 1.0),
    "cutmix_alpha": (0.2, 0.5, 1.0),
    "paste_ratio": (0.1, 0.2, 0.3, 0.4),
    "randaugment_strength": (0.1, 0.3, 0.5, 0.7),
    "augmix_strength": (0.1, 0.3, 0.5, 0.7),
}
# Not among the seeds of the comparison.
SEED = 10_000


def tune(study, count):
    """Chooses the settings of each arm by the error on validation images.

    The validation images are a tenth of the training images. The first trial of an arm
    has the study's settings. The others are drawn at random.

    Args:
        study: `Study`, as in `arms.compare`.
        count: Int, the trials of each arm.

    Returns:
        `(best, trials)`: a dict from arms to the settings that differ from the
        study's, and a dict from arms to lists of dicts, one per trial, with the
        `changed` settings and the validation `error`.

    Raises:
        ValueError: If an arm has fewer combinations than trials.
    """
    checks.positive_int("tune", count)
    names = arms.distinct_arms(study)
    planned = {arm: candidates(arm, study.settings, count) for arm in names}
    judged_on = study.on_validation()

    def error(arm, changed):
        network, _ = arms.trained(judged_on, arm, SEED, name="trial", **changed)
        return classification_error(network, judged_on.data.test)

    trials, best = {}, {}
    for arm, settings in planned.items():
        trials[arm] = [
            {"changed": changed, "error": error(arm, changed)} for changed in settings
        ]
        best[arm] = min(trials[arm], key=lambda trial: trial["error"])["changed"]
    return best, trials


def candidates(arm, settings, count):
    """The settings that are tried for an arm.

    Args:
        arm: String, as in `augmentation`.
        settings: Dict of the study's settings.
        count: Int.

    Returns:
        List of `count` distinct dicts of settings that differ from the study's. The
        first one is empty.
    """
    values = {
        # A factor does not change a setting that is 0.
        name: [settings[name] * f for f in (factors if settings[name] else factors[:1])]
        for name, factors in FACTORS.items()
    }
    values |= {name: VALUES[name] for name in sorted(strengths_of(arm))}
    possible = [
        dict(zip(values, chosen)) for chosen in itertools.product(*values.values())
    ]
    changed = [
        {name: value for name, value in chosen.items() if value != settings[name]}
        for chosen in possible
    ]
    others = [one for one in changed if one]
    if count - 1 > len(others):
        raise ValueError(
            f"`tune` must be at most {len(others) + 1}, the number of settings of the "
            f"arm {arm!r}. Received: tune={count}"
        )
    rng = np.random.default_rng(list(arm.encode()))
    drawn = rng.choice(len(others), count - 1, replace=False)
    return [{}, *(others[index] for index in drawn)]


def trials_table(best, trials):
    """A Markdown table of the errors of the trials, and of what was chosen."""
    rows = [("%", "defaults", "best", "worst", "chosen")]
    for arm, found in trials.items():
        errors = [trial["error"] for trial in found]
        shown = (errors[0], min(errors), max(errors))
        chosen = ", ".join(f"{key} {value:g}" for key, value in best[arm].items())
        rows.append((arm, *(f"{100 * x:.2f}" for x in shown), chosen or "defaults"))
    return table(rows)
