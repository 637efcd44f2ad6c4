"""Records of a comparison that were damaged or edited are refused, by their file."""

import copy
import json
import math

import pytest

from keras_mra.comparison.record_damage import record_damage
from keras_mra.comparison.records import Records

pytestmark = pytest.mark.once
SETTINGS = {"arms": ["MRA", "MixUp"], "epochs": None, "seeds": 2, "mask_ratio": 0.4}
PLAN = {"network": "small_cnn", "classes": 4, "learning_rate": 0.01}


def run(seed):
    curve = {"epoch": [1, 2], "loss": [math.nan, 0.5], "error": [1.0, 0.0]}
    return dict(seed=seed, error=0.5, occluded=1.0, seconds=2.5, curve=curve)


def records(*counts):
    """What a comparison has written that has so many runs of each arm."""
    return {
        "settings": copy.deepcopy(SETTINGS),
        "attention": "It sees objects.",
        "plan": {**PLAN, "epochs": 5},
        "runs": {
            arm: [run(seed) for seed in range(count)]
            for arm, count in zip(["base", "MRA", "MixUp"], counts)
        },
    }


@pytest.mark.parametrize("counts", [(), (1,), (1, 1), (1, 1, 1), (2, 1, 1), (2, 2, 2)])
def test_what_was_written_is_read(counts, tmp_path):
    written = records(*counts)
    assert record_damage(written, SETTINGS, PLAN) is None
    (tmp_path / "compare.json").write_text(json.dumps(written))
    found = Records(tmp_path, SETTINGS, PLAN)
    assert found.seconds() == 2.5 * sum(counts)
    assert found.get("MixUp", 0) == (
        found.found["runs"]["MixUp"][0] if len(counts) > 2 else None
    )


def of_a_run(**entries):
    return lambda found: found["runs"]["MRA"][1].update(entries)


def without(name):
    return lambda found: found["runs"]["MRA"][1].pop(name)


def of(**entries):
    return lambda found: found.update(entries)


def of_the_plan(**entries):
    return lambda found: found["plan"].update(entries)


DAMAGES = {
    "`settings` must": [
        of(settings=[]), of(settings=None), lambda found: found.pop("settings"),
    ],
    "`attention` must": [of(attention=[]), of(attention=None), of(attention="\x1b[2J")],
    "`plan` must": [
        of(plan=None), of(plan={}), of(plan=[]), of_the_plan(epochs=-1),
        of_the_plan(epochs="x"), of_the_plan(epochs=1), of_the_plan(epochs=301),
        of_the_plan(epochs=True), of_the_plan(epochs=5.0), of_the_plan(classes=5),
        of_the_plan(learning_rate=math.nan), of_the_plan(other=1),
    ],
    "`plan` is missing": [lambda found: found.pop("plan")],
    "`runs` must be": [
        of(runs=[]), of(runs=None), of(runs="x"),
        lambda found: found["runs"].update(other=[]),
        lambda found: found["runs"].pop("base"),
        lambda found: found["runs"].update(base=found["runs"].pop("base")),
    ],
    "the `runs` of MRA must": [
        lambda found: found["runs"].update(MRA="xx"),
        lambda found: found["runs"].update(MRA=None),
    ],
    "an arm has runs": [
        lambda found: found["runs"]["base"].pop(),
        lambda found: found["runs"]["MixUp"].clear(),
    ],
    "at most 2 runs": [lambda f: [r.append(run(2)) for r in f["runs"].values()]],
    "run 1 of MRA must have the form": [
        lambda found: found["runs"]["MRA"].__setitem__(1, 5)
    ],
    "must have the `seed` 1": [of_a_run(seed=0), of_a_run(seed=True), without("seed")],
    "must have an `error` in": [
        of_a_run(error=math.nan), of_a_run(error=99), of_a_run(error=-0.1),
        of_a_run(error="x"), of_a_run(error=None), of_a_run(error=True),
        without("error"),
    ],
    "must have an `occluded` in": [of_a_run(occluded=1.1), without("occluded")],
    "must have `seconds` from 0": [
        of_a_run(seconds=-1e9), of_a_run(seconds="x"), of_a_run(seconds=math.inf),
        of_a_run(seconds=10**400), without("seconds"),
    ],
    "must have a `curve`": [
        of_a_run(curve=[]), of_a_run(curve={}), without("curve"),
        of_a_run(curve={"epoch": [1], "loss": [], "error": []}),
        of_a_run(curve={"epoch": [1], "loss": ["x"], "error": [0]}),
        of_a_run(curve={"epoch": [1], "loss": [0], "error": [2]}),
        of_a_run(curve={"epoch": 1, "loss": 1, "error": 1}),
    ],
}  # fmt: skip
CASES = [(part, damage) for part, damages in DAMAGES.items() for damage in damages]


@pytest.mark.parametrize("expected, damage", CASES)
def test_damage_is_named_with_the_file(expected, damage, tmp_path):
    found = records(2, 2, 2)
    damage(found)
    file = tmp_path / "compare.json"
    file.write_text(json.dumps(found))
    before = file.read_bytes()
    with pytest.raises(ValueError, match="^`out` must be a new folder") as error:
        Records(tmp_path, SETTINGS, PLAN)
    message = str(error.value)
    assert expected in message and str(file) in message
    assert "Give another `out`, or delete the file" in message
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"runs": {"base"', "\xff\0", "5" * 5000]
)
def test_a_file_that_is_no_json_is_named(text, tmp_path):
    file = tmp_path / "compare.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="^`out` must be .*damaged or edited") as error:
        Records(tmp_path, SETTINGS, PLAN)
    assert str(file) in str(error.value) and "delete the file" in str(error.value)


def test_given_epochs_are_those_of_the_plan():
    settings = {**SETTINGS, "epochs": 1}
    found = {**records(1), "plan": {**PLAN, "epochs": 1}}
    assert record_damage(found, settings, PLAN) is None
    found["plan"]["epochs"] = 3
    assert "`plan` must" in record_damage(found, settings, PLAN)


def test_seeds_that_are_not_given_are_at_most_ten():
    settings = {**SETTINGS, "seeds": None}
    assert record_damage(records(10, 10, 10), settings, PLAN) is None
    assert "at most 10" in record_damage(records(11, 11, 11), settings, PLAN)


def test_other_settings_are_named(tmp_path):
    (tmp_path / "compare.json").write_text(json.dumps(records(1)))
    with pytest.raises(ValueError, match="made with mask_ratio 0.4, not 0.5"):
        Records(tmp_path, {**SETTINGS, "mask_ratio": 0.5}, PLAN)
