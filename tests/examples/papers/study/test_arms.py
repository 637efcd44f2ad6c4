"""Classifiers of every arm: trained once, judged once, and found again."""

import numpy as np
import pytest
from helpers.small_study import digits_study
from study import arms
from study import classifiers

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the tests of this module share what they have trained."""
    return tmp_path_factory.mktemp("arms")


def test_arms_are_trained_and_judged(folder):
    this = digits_study(folder)
    judged = []

    def judge(network):
        judged.append(network.get_weights())
        return {"number": len(judged)}

    runs, curves = arms.compare(this, "number of", judge)
    assert runs == {"none": [{"number": 1}], "MixUp": [{"number": 2}]}
    for curve in curves["none"] + curves["MixUp"]:
        assert curve["epoch"] == [1, 2, 3] and len(curve["error"]) == 3
        assert curve["loss"][-1] < curve["loss"][0]
        assert all(0 <= error <= 1 for error in curve["error"])
    # The arms have the same first weights, and other batches.
    assert len({weights[0].tobytes() for weights in judged}) == 2


def test_a_trained_classifier_is_found_again(folder, monkeypatch):
    network, result = arms.trained(digits_study(folder), "none", 0)
    monkeypatch.setattr(
        classifiers, "train_classifier", lambda *_, **__: pytest.fail("trained again")
    )
    again, same = arms.trained(digits_study(folder), "none", 0)
    assert same == result
    for a, b in zip(network.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(a, b)
    # MRA's settings decide nothing where there is no MRA.
    arms.trained(digits_study(folder, "--mask-ratio", "0.6"), "none", 0)
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        arms.trained(digits_study(folder, "--epochs", "4"), "none", 0)


def test_a_judgement_is_kept_by_what_decides_it(folder):
    judged = []

    def judge(network):
        judged.append(network)
        return {"border": {2: 0.5}}

    for options in ([], [], ["--seeds", "0", "1"]):
        this = digits_study(folder, "--arms", "none", *options)
        runs, _ = arms.compare(this, "occlusion of", judge, widths=[2])
    # Of seed 0 once, and as it is kept: JSON has strings for keys.
    assert len(judged) == 2 and runs == {"none": [{"border": {"2": 0.5}}] * 2}
    arms.compare(this, "occlusion of", judge, widths=[2, 4])
    assert len(judged) == 4
