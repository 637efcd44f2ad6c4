"""The search for settings: as many trials for every arm, on validation images."""

import pytest
from helpers.small_study import digits_study
from study import arms
from study import tuning
from study.augmentations import strengths_of

pytestmark = pytest.mark.once


@pytest.fixture
def errors(monkeypatch):
    """Replaces training: the error is that of a rule, and the calls are recorded."""
    calls = []

    def trained(study, arm, seed, name, **changed):
        calls.append((study, arm, seed, name, changed))
        return 0.5 - 0.1 * changed.get("mixup_alpha", 0) + 0.01 * len(changed), {}

    monkeypatch.setattr(arms, "trained", trained)
    monkeypatch.setattr(tuning, "classification_error", lambda network, _: network)
    return calls


def test_the_best_trial_is_chosen_and_test_images_are_not_seen(tmp_path, errors):
    this = digits_study(tmp_path)
    best, trials = tuning.tune(this, 5)
    assert {arm: len(found) for arm, found in trials.items()} == {"none": 5, "MixUp": 5}
    for study, arm, seed, name, changed in errors:
        assert study.args.validation and name == "trial"
        assert seed == tuning.SEED and seed not in this.args.seeds
        assert set(changed) <= strengths_of(arm) | set(tuning.FACTORS)
    assert best["none"] == {}
    lowest = min(trials["MixUp"], key=lambda trial: trial["error"])
    assert best["MixUp"] == lowest["changed"] and "mixup_alpha" in best["MixUp"]
    text = tuning.trials_table(best, trials)
    assert "| none" in text and f"mixup_alpha {best['MixUp']['mixup_alpha']:g}" in text


def test_candidates_are_distinct_and_the_same_in_every_run():
    settings = arms.SETTINGS | {"weight_decay": 5e-4}
    found = tuning.candidates("MRA+CutMix", settings, 20)
    assert found == tuning.candidates("MRA+CutMix", settings, 20)
    assert found[0] == {} and len({str(one) for one in found}) == 20
    names = {name for one in found for name in one}
    assert names == strengths_of("MRA+CutMix") | set(tuning.FACTORS)
    for one in found:
        assert all(settings[name] != value for name, value in one.items())


def test_a_weight_decay_of_zero_stays():
    found = tuning.candidates("none", arms.SETTINGS, 5)
    rates = sorted(one.get("learning_rate", 1e-3) for one in found)
    assert rates == pytest.approx([2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3])
    with pytest.raises(ValueError, match="`tune` must be at most 5.*'none'.*tune=6"):
        tuning.candidates("none", arms.SETTINGS, 6)


def test_every_strength_has_values_to_try():
    names = {name for own in arms.STRENGTHS.values() for name in own}
    assert set(tuning.VALUES) == names
