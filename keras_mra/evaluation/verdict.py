"""Plain sentences about attention and paint, from the numbers of the protocols."""

from keras_mra import checks
from keras_mra.evaluation.attention_statistics import AttentionStatisticsResult
from keras_mra.evaluation.foreground import ForegroundResult
from keras_mra.evaluation.paint import PaintResult
from keras_mra.evaluation.paint_errors import mse_ratio

ADVICE = (
    "train longer with `attention_teacher=` (--attention-teacher), pass "
    '`attention_model=` to the layer, or use `strategy="random"`.'
)
# Attention finds objects from this AUROC on, if it also beats the centre prior. Chance
# gives 0.5.
FINDS_OBJECTS = 0.65
# Without masks: maps that depend on position by more than this share, or that have more
# than this share of a uniform map's entropy, do not follow the content of images. Maps
# of random weights have 0.996 or more. Taught maps have up to 0.981: they may be flat,
# because MRA needs only the order of the patches.
MOST_POSITION = 0.5
MOST_ENTROPY = 0.99
# A difference between two errors that is worth a word.
WORTH_A_WORD = 0.005


def attention_verdict(
    foreground: ForegroundResult | None = None,
    statistics: AttentionStatisticsResult | None = None,
) -> str:
    """Says whether attention sees objects, and what to do if not.

    With masks, attention finds objects if its AUROC is at least 0.65 and above that of
    the centre prior, which is the distance from the centre of the image.

    Without masks, only the statistics are judged: attention probably does not see
    objects if its entropy is above 99 % of a uniform map's, or if position explains
    more than half of its variance. The share that position explains by chance, which is
    large for few images, is subtracted first.

    Args:
        foreground: The result of `foreground`, or `None` if there are no masks.
        statistics: The result of `attention_statistics`. It is used only if
            `foreground` is `None`.

    Returns:
        String, one sentence.

    Raises:
        ValueError: If both results are `None`, or one has another type.

    Example:

    ```python
    masks = images[..., 0] > 0  # clothes on black
    found = keras_mra.evaluation.foreground(mae, images, masks)
    print(keras_mra.evaluation.attention_verdict(found))
    ```
    """
    for name, value, kind in (
        ("foreground", foreground, ForegroundResult),
        ("statistics", statistics, AttentionStatisticsResult),
    ):
        optional = (kind, type(None))
        checks.instance(name, value, optional, f"a {kind.__name__} or None")
    if foreground is not None:
        return _with_masks(foreground)
    if statistics is None:
        raise ValueError(
            "`foreground` or `statistics` must be a result. Received: None for both"
        )
    return _without_masks(statistics)


def _with_masks(found: ForegroundResult) -> str:
    own, center = found.auroc, found.references["center"]["auroc"]
    if own >= FINDS_OBJECTS and own > center:
        return (
            f"Attention finds the object (AUROC {own:.2f}; centre prior {center:.2f})."
        )
    if own >= FINDS_OBJECTS:
        return (
            "Attention finds objects no better than the centre of the image does "
            f"(AUROC {own:.2f}; centre prior {center:.2f}): {ADVICE}"
        )
    where = "where chance is 0.50"
    if own < 1 - FINDS_OBJECTS:
        where = "which is higher on the background"
    return (
        f"Attention does not see objects (AUROC {own:.2f}, {where}; the centre prior "
        f"gives {center:.2f}): {ADVICE}"
    )


def _without_masks(found: AttentionStatisticsResult) -> str:
    position = found.position
    if found.images > 1:  # The mean of n maps that differ has 1 / n of their variance.
        by_chance = 1 / found.images
        position = max(0.0, (position - by_chance) / (1 - by_chance))
    numbers = (
        f"position explains {100 * position:.0f} % of its variance beyond chance, "
        f"entropy {100 * found.entropy:.0f} % of uniform; masks of the objects would "
        "decide"
    )
    if position > MOST_POSITION or found.entropy > MOST_ENTROPY:
        return f"Attention probably does not see objects ({numbers}): {ADVICE}"
    return f"Attention also depends on the image, and may see objects ({numbers})."


def paint_verdict(found: PaintResult) -> str:
    """Says whether paint is better than that of Telea's inpainting.

    Paint whose mean squared error is larger than that of the mean colour of the visible
    pixels is named in a warning instead.

    Args:
        found: The result of `paint`.

    Returns:
        String, one sentence.

    Example:

    ```python
    found = keras_mra.evaluation.paint(mae, images[:50], mask_ratio=0.4)
    print(keras_mra.evaluation.paint_verdict(found))
    ```
    """
    checks.instance("found", found, PaintResult, "a PaintResult")
    place = f"at ratio {found.mask_ratio:g}"
    if found.restore_patch_statistics:
        place += ", given the mean and deviation of each hidden patch"
    flat = found.references["mean_color"]["mse"]
    if mse_ratio(found.mse, flat) > 1 + WORTH_A_WORD:
        return (
            f"Warning: paints worse than mean colour {place} (MSE {found.mse:.4f}; "
            f"mean colour {flat:.4f}): train longer (`effort=`, --effort), or use a "
            "shipped preset."
        )
    change = 100 * (found.mse_to_telea - 1)
    if abs(change) < 100 * WORTH_A_WORD:
        return f"Paints as well as Telea's inpainting {place}."
    word = "worse" if change > 0 else "better"
    return f"Paints {word} than Telea's inpainting by {abs(change):.0f} % {place}."
