"""The verdict of a comparison: every case, and the line of Python to use."""

import pytest

from keras_mra.comparison.comparison_verdict import comparison_verdict

pytestmark = pytest.mark.once
CODE = {"MRA": "Mask()", "CutMix": "Cut()"}
SURE_DOWN, SURE_UP, UNSURE = (
    [-0.020, -0.021, -0.019],
    [0.02, 0.021, 0.019],
    [-0.02, 0.02],
)


def said(epochs=50, **differences):
    return verdict(differences, CODE, epochs)


def verdict(differences, code, epochs=50, swapped=None, test_images=10_000):
    """The verdict, by default without anything sure on swapped backgrounds."""
    none = {arm: [0.0] * len(values) for arm, values in differences.items()}
    swapped = none | (swapped or {})
    return comparison_verdict(
        differences, "flips and crops", code, epochs, swapped, test_images
    )


def test_mra_pays():
    text = said(MRA=SURE_DOWN, CutMix=UNSURE)
    assert "MRA pays on these images: it lowers the error by 2.0 points" in text
    # 4.303 standard errors of 0.1 / sqrt(3) points
    assert "95 % interval of 3 seeds: -2.2 to -1.8" in text
    assert text.endswith("Use Mask()")


def test_another_augmentation_pays_more():
    text = said(MRA=SURE_DOWN, CutMix=[2 * one for one in SURE_DOWN])
    assert "MRA pays" in text
    assert "CutMix lowers the error by 4.0 points. Use Cut()" in text


def test_mra_harms():
    text = said(MRA=SURE_UP)
    assert "MRA does not pay on these images: it raises the error by 2.0 points" in text
    assert "Use flips and crops alone" in text


def test_what_is_not_sure_is_not_recommended():
    text = said(MRA=[-0.05, 0.0, -0.001])
    assert (
        "It is not certain that MRA pays" in text and "lowers the error by 1.7" in text
    )
    assert "Use flips and crops alone" in text


def test_one_seed_decides_nothing():
    text = said(MRA=[-0.1], CutMix=[-0.2])
    assert "One seed cannot tell" in text and "Use flips and crops alone" in text


@pytest.mark.parametrize("wrong", range(14))
def test_equal_changes_of_few_test_images_are_not_exact(wrong):
    one_of_15 = [wrong / 15 - (wrong + 1) / 15] * 3
    text = verdict({"MRA": one_of_15}, CODE, test_images=15)
    assert "not certain" in text and "-13.3 to +0.0" in text
    assert "Use flips and crops alone" in text
    worse = [-one for one in one_of_15]
    assert "not certain" in verdict({"MRA": worse}, CODE, test_images=15)
    two_of_15 = [2 * one for one in one_of_15]
    text = verdict({"MRA": two_of_15}, CODE, swapped={"MRA": two_of_15}, test_images=15)
    assert "MRA pays" in text and "3 seeds: -20.0 to -6.7" in text
    assert "13.3 points (-20.0 to -6.7)" in text


def test_no_change_has_no_direction():
    assert "it changes the error by 0.0 points" in said(MRA=[0.0004, -0.0004])


def test_few_epochs_are_said():
    assert "3 epochs are few" in said(3, MRA=SURE_DOWN)
    assert "are few" not in said(50, MRA=SURE_DOWN)


def test_without_an_arm_of_mra():
    text = said(CutMix=SURE_DOWN)
    assert text == "CutMix lowers the error by 2.0 points. Use Cut()"


@pytest.mark.parametrize("chain", ["MRA+CutMix", "CutMix+MRA"])
def test_what_mra_adds_to_another_augmentation(chain):
    differences = {
        "CutMix": [-0.01, 0.02, 0.03],
        chain: [-0.03, -0.001, 0.011],
        "MRA+MixUp": SURE_DOWN,  # MixUp alone was not trained.
    }
    code = {**CODE, chain: "Both()", "MRA+MixUp": "Mix()"}
    text = verdict(differences, code)
    assert text.startswith(
        "MRA pays with CutMix: it lowers the error by 2.0 points compared with "
        "CutMix alone (95 % interval of 3 seeds: -2.2 to -1.8). MRA+MixUp lowers"
    )


def test_attentive_cutout_is_judged_as_mra_is():
    text = said(AttentiveCutout=SURE_UP, MRA=UNSURE)
    assert "It is not certain that MRA pays on these images" in text
    assert "AttentiveCutout does not pay on these images: it raises the error" in text
    code = {"CutMix": "Cut()", "AttentiveCutout+CutMix": "Both()"}
    for added, used in ((UNSURE * 2, "Cut()"), (SURE_DOWN * 2, "Both()")):
        cut = SURE_DOWN * 2
        both = [one + other for one, other in zip(cut, added)]
        differences = {"CutMix": cut, "AttentiveCutout+CutMix": both}
        text = verdict(differences, code)
        assert "AttentiveCutout pays with CutMix" in text and text.endswith(used)


def test_a_chain_is_recommended_only_for_a_sure_gain():
    code = {"CutMix": "Cut()", "MRA+CutMix": "Both()"}
    for added, used in (([-0.02, 0.02, -0.01], "Cut()"), (SURE_DOWN, "Both()")):
        chained = [one + other for one, other in zip(SURE_DOWN, added)]
        both = {"MRA+CutMix": chained, "CutMix": SURE_DOWN}
        text = verdict(both, code)
        assert text.endswith(f"Use {used}")


def test_a_long_chain_must_be_better_than_every_part_of_it():
    down = SURE_DOWN
    longer = [one + 1e-4 * sign for one, sign in zip(down, (-9, 2, -9))]
    longest = [one + 1e-4 * sign for one, sign in zip(longer, (2, -9, -9))]
    code = {"CutMix": "Cut()", "MRA+CutMix": "Two()", "MRA+MixUp+CutMix": "Three()"}
    arms = {"CutMix": down, "MRA+CutMix": longer, "MRA+MixUp+CutMix": longest}
    assert verdict(arms, code).endswith("Use Cut()")
    del arms["MRA+CutMix"]
    assert verdict(arms, code).endswith("Use Cut()")
    # What surely helps is recommended where its part does not surely help.
    arms = {"CutMix": [-0.08, 0.0, -0.04], "MRA+CutMix": down}
    assert verdict(arms, code).endswith("Use Two()")


def test_what_mra_does_not_add_with_certainty():
    both = {"CutMix": SURE_DOWN, "MRA+CutMix": [-0.05, -0.005, 0.01]}
    text = verdict(both, CODE)
    assert "It is not certain that MRA pays with CutMix: it raises" in text
    one = {arm: values[:1] for arm, values in both.items()}
    text = verdict(one, CODE)
    assert "One seed cannot tell whether MRA pays with CutMix: it lowers" in text


def test_what_is_sure_on_swapped_backgrounds():
    alone = {"MRA": UNSURE, "CutMix": SURE_DOWN[:2]}
    text = verdict(alone, CODE, swapped={"MRA": SURE_DOWN[:2], "CutMix": SURE_DOWN[:2]})
    # 12.706 standard errors of 0.1 / sqrt(2) / sqrt(2) points
    sentence = (
        "With the background of an image of another class, it lowers the error by 2.0 "
        "points (-2.7 to -1.4)."
    )
    assert "compared with flips and crops (95 % interval of 2 seeds: " in text
    assert text.count(sentence) == 1  # CutMix is not judged.
    raised = verdict(alone, CODE, swapped={"MRA": SURE_UP[:2]})
    assert "of another class, it raises the error by 2.0 points" in raised
    assert "another class" not in verdict(alone, CODE, swapped={"MRA": UNSURE})
    assert "another class" not in verdict({"MRA": [-0.1]}, CODE)


def test_what_mra_adds_on_swapped_backgrounds():
    both = {"CutMix": SURE_DOWN, "MRA+CutMix": SURE_DOWN}
    added = [one + other for one, other in zip(SURE_UP, SURE_DOWN)]
    text = verdict(both, CODE, swapped={"CutMix": SURE_UP, "MRA+CutMix": added})
    assert "another class, it lowers the error by 2.0 points (-2.2 to -1.8)" in text
    text = verdict(both, CODE, swapped={"CutMix": SURE_UP, "MRA+CutMix": SURE_UP})
    assert "another class" not in text
