"""Sentences that follow from numbers."""

import dataclasses

import pytest

from keras_mra import evaluation
from keras_mra.evaluation.attention_statistics import AttentionStatisticsResult
from keras_mra.evaluation.foreground import ForegroundResult
from keras_mra.evaluation.paint import PaintResult

pytestmark = pytest.mark.once

ADVICE = (
    ": train longer with `attention_teacher=` (--attention-teacher), pass "
    '`attention_model=` to the layer, or use `strategy="random"`.'
)


def foreground(auroc, center):
    return ForegroundResult(
        auroc=auroc,
        deviation=0.1,
        foreground_kept=0.7,
        background_repainted=0.5,
        references={"center": {"auroc": center}},
        mask_ratio=0.4,
        images=10,
        left_out=0,
    )


@pytest.mark.parametrize(
    "auroc, center, expected",
    [
        (0.84, 0.61, "Attention finds the object (AUROC 0.84; centre prior 0.61)."),
        (0.65, 0.64, "Attention finds the object (AUROC 0.65; centre prior 0.64)."),
        (
            0.84,
            0.85,
            "Attention finds objects no better than the centre of the image does "
            f"(AUROC 0.84; centre prior 0.85){ADVICE}",
        ),
        (
            0.53,
            0.61,
            "Attention does not see objects (AUROC 0.53, where chance is 0.50; the "
            f"centre prior gives 0.61){ADVICE}",
        ),
        (
            0.31,
            0.86,
            "Attention does not see objects (AUROC 0.31, which is higher on the "
            f"background; the centre prior gives 0.86){ADVICE}",
        ),
    ],
)
def test_masks_decide(auroc, center, expected):
    found = foreground(auroc, center)
    assert evaluation.attention_verdict(found) == expected
    poor = statistics(entropy=1.0, position=1.0)
    assert evaluation.attention_verdict(found, poor) == expected


def statistics(entropy, position, images=100_000):
    return AttentionStatisticsResult(
        entropy=entropy,
        self_attention=None,
        position=position,
        flip=None,
        shift=None,
        images=images,
    )


@pytest.mark.parametrize(
    "entropy, position, sees",
    [
        (0.8, 0.2, True),
        (0.8, 0.6, False),
        (0.985, 0.2, True),
        (0.995, 0.2, False),
    ],
)
def test_without_masks_it_is_a_guess(entropy, position, sees):
    found = statistics(entropy, position)
    verdict = evaluation.attention_verdict(statistics=found)
    numbers = (
        f"position explains {100 * position:.0f} % of its variance beyond chance, "
        f"entropy {100 * entropy:.0f} % of uniform; masks of the objects would decide"
    )
    if sees:
        expected = (
            f"Attention also depends on the image, and may see objects ({numbers})."
        )
    else:
        expected = f"Attention probably does not see objects ({numbers}){ADVICE}"
    assert verdict == expected


def test_no_result_is_refused():
    for name, call in (
        ("foreground", lambda: evaluation.attention_verdict("x")),
        ("statistics", lambda: evaluation.attention_verdict(None, {})),
        ("found", lambda: evaluation.paint_verdict("x")),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be an? .*Result"):
            call()
    with pytest.raises(ValueError, match="`foreground` or `statistics` must be"):
        evaluation.attention_verdict()


def paint(mse, telea, mean_color):
    return PaintResult(
        mse=mse,
        psnr=20.0,
        ssim=0.5,
        seams=1.0,
        mse_to_telea=mse / telea,
        references={"telea": {"mse": telea}, "mean_color": {"mse": mean_color}},
        mask_ratio=0.4,
        strategy="attention",
        seed=0,
        images=10,
        restore_patch_statistics=False,
    )


@pytest.mark.parametrize(
    "errors, expected",
    [
        ((0.69, 1, 2), "Paints better than Telea's inpainting by 31 % at ratio 0.4."),
        ((1.5, 1, 2), "Paints worse than Telea's inpainting by 50 % at ratio 0.4."),
        ((1.002, 1, 2), "Paints as well as Telea's inpainting at ratio 0.4."),
        (
            (0.3, 0.4, 0.2),
            "Warning: paints worse than mean colour at ratio 0.4 (MSE 0.3000; mean "
            "colour 0.2000): train longer (`effort=`, --effort), or use a shipped "
            "preset.",
        ),
        # Flat images: rounding is no error.
        ((1e-7, 1e-7, 0.0), "Paints as well as Telea's inpainting at ratio 0.4."),
    ],
)
def test_paint(errors, expected):
    assert evaluation.paint_verdict(paint(*errors)) == expected


def test_given_statistics_are_named():
    found = dataclasses.replace(paint(0.69, 1, 2), restore_patch_statistics=True)
    assert evaluation.paint_verdict(found).endswith(
        "by 31 % at ratio 0.4, given the mean and deviation of each hidden patch."
    )


def test_what_position_explains_by_chance_is_subtracted():
    # Of the variance of 4 maps that have nothing in common, their mean has a quarter.
    found = statistics(0.8, 0.25 + 0.75 * 0.4, images=4)
    verdict = evaluation.attention_verdict(statistics=found)
    assert "position explains 40 %" in verdict and "may see objects" in verdict
    alone = evaluation.attention_verdict(statistics=statistics(0.8, 1.0, images=1))
    assert "position explains 100 %" in alone
