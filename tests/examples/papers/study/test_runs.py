"""Results that are computed once."""

import pytest
from study.runs import Runs
from study.runs import over_seeds

pytestmark = pytest.mark.once


def test_runs_are_computed_once_and_by_what_decides_them(tmp_path):
    calls = []

    def function(folder):
        calls.append(folder)
        return {"error": 0.5}

    runs = Runs(tmp_path, {"data": "x"})
    first = runs("none", {"seed": 0}, function)
    assert first["error"] == 0.5 and first["seconds"] >= 0
    assert Runs(tmp_path, {"data": "x"})("none", {"seed": 0}, function) == first
    assert len(calls) == 1
    runs("none", {"seed": 1}, function)
    Runs(tmp_path, {"data": "y"})("none", {"seed": 0}, function)
    assert len(set(calls)) == 3

    def killed(folder):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs("none", {"seed": 2}, killed)
    assert runs("none", {"seed": 2}, function)["error"] == 0.5


def test_everything_is_judged_from_every_seed():
    asked = []

    def judged(name, seed):
        asked.append((name, seed))
        return f"{name}{seed}", {"loss": [seed]}

    results, curves = over_seeds(["none", "MRA"], [3, 5], judged)
    assert asked == [("none", 3), ("MRA", 3), ("none", 5), ("MRA", 5)]
    assert results == {"none": ["none3", "none5"], "MRA": ["MRA3", "MRA5"]}
    assert curves == dict.fromkeys(["none", "MRA"], [{"loss": [3]}, {"loss": [5]}])
