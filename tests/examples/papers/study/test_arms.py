"""Classifiers of every arm: trained once, judged once, and found again."""

import numpy as np
import pytest
from helpers.small_study import coloured_splits
from helpers.small_study import digits_study
from keras import ops
from study import arms

import keras_mra
from keras_mra.classifiers.flip_crop import flip_crop

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
        arms, "train_classifier", lambda *_, **__: pytest.fail("trained again")
    )
    again, same = arms.trained(digits_study(folder), "none", 0)
    assert same == result
    for a, b in zip(network.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(a, b)
    # MRA's settings decide nothing where there is no MRA.
    arms.trained(digits_study(folder, "--mask-ratio", "0.6"), "none", 0)
    arms.trained(digits_study(folder, "--attention", "mae_nano_photos"), "none", 0)
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        arms.trained(digits_study(folder, "--epochs", "4"), "none", 0)


def test_the_attention_of_another_preset_reaches_the_arms_that_use_it(
    tmp_path, monkeypatch
):
    given = {}

    def augmentation(arm, *_, attention_model, **__):
        given[arm] = attention_model
        return []

    monkeypatch.setattr(arms, "augmentation", augmentation)
    monkeypatch.setattr(
        arms,
        "train_classifier",
        lambda *_, **__: {"epoch": [], "loss": [], "error": []},
    )
    names = ["MRA random", "MRA grey"]
    options = ["--arms", *names, "--attention", "mae_nano_photos"]
    own, other = digits_study(tmp_path), digits_study(tmp_path, *options)
    other.__dict__["mae"] = keras_mra.MAE((8, 8, 1), 2, 8, 1, 2, 8, 1, 2)
    arms.compare(other, "number of", lambda _: {"number": 1})
    assert given["MRA random"] is None
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1)).astype("float32")
    preset = keras_mra.MAE.from_preset("mae_nano_photos")
    np.testing.assert_array_equal(
        *(
            ops.convert_to_numpy(model(images))
            for model in (given["MRA grey"], keras_mra.attention_of(preset, (4, 4)))
        )
    )
    for arm, has_own_runs in zip(names, (False, True)):
        decides = [
            arms.decided_by(study, study.settings, arm, 0) for study in (own, other)
        ]
        assert "attention" not in decides[0]
        assert (decides[0] != decides[1]) == has_own_runs


@pytest.mark.parametrize(
    "options, message",
    [
        (
            ["--arms", "none", "MRA random", "--attention", "mae_nano_photos"],
            "by an arm",
        ),
        (["--arms", "MRA", "--attention", "no_preset"], "with weights.*no_preset"),
        (["--arms", "MRA", "--attention", "mae_nano"], "with weights.*mae_nano"),
    ],
)
def test_bad_attention_is_refused_before_any_training(
    tmp_path, monkeypatch, options, message
):
    monkeypatch.setattr(arms, "trained", lambda *_, **__: pytest.fail("trained"))
    this = digits_study(tmp_path, *options)
    this.__dict__["mae"] = keras_mra.MAE((8, 8, 1), 2, 8, 1, 2, 8, 1, 2)
    with pytest.raises(ValueError, match=f"`--attention` must be .*{message}"):
        arms.compare(this, "number of", lambda _: {})


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


def test_colour_images_are_flipped_and_cropped_in_every_arm(tmp_path, monkeypatch):
    given = {}

    def train(network, images, test, **arguments):
        given[arguments["layers"] == []] = arguments
        return {"epoch": [], "loss": [], "error": []}

    monkeypatch.setattr(arms, "train_classifier", train)
    options = ["--arms", "none", "flip+crop", "flip+crop+Cutout", "Cutout"]
    for base, expected, names in [
        ("auto", flip_crop, ["none", "Cutout"]),
        ("flip_crop", flip_crop, ["none", "Cutout"]),
        ("none", None, options[1:]),
    ]:
        this = digits_study(tmp_path, *options, "--base", base)
        this.__dict__["data"] = coloured_splits()
        assert arms.distinct_arms(this) == names
        runs, _ = arms.compare(this, base, lambda _: {"error": 0.5})
        assert list(runs) == names
        assert given[True]["base"] is given[False]["base"] is expected
    # The digits are grey, and a flipped digit is another one.
    assert arms.distinct_arms(digits_study(tmp_path, *options)) == options[1:]


def test_bad_arms_and_bases_are_refused_before_any_training(tmp_path, monkeypatch):
    monkeypatch.setattr(arms, "trained", lambda *_, **__: pytest.fail("trained"))
    for options in (["--arms", "none", "blur"], ["--base", "blur"]):
        this = digits_study(tmp_path, *options)
        with pytest.raises(ValueError, match="blur"):
            arms.compare(this, "blur", lambda _: {})


def test_tuned_settings_replace_those_of_the_study(tmp_path, monkeypatch):
    found = {}

    def trained(study, arm, seed, images, name, **changed):
        found[arm] = changed
        return None, {"curve": {}}

    monkeypatch.setattr(arms, "trained", trained)
    arms.compare(
        digits_study(tmp_path), "a", lambda _: {}, tuned={"MixUp": {"mixup_alpha": 1.0}}
    )
    assert found == {"none": {}, "MixUp": {"mixup_alpha": 1.0}}
