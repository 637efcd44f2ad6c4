"""All measures of an autoencoder's attention and paint, with a verdict."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mra import checks
from keras_mra import masking
from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.attention_statistics import AttentionStatisticsResult
from keras_mra.evaluation.attention_statistics import check_number_of_images
from keras_mra.evaluation.attention_statistics import describe_attention
from keras_mra.evaluation.features import required_mae
from keras_mra.evaluation.foreground import REFERENCES
from keras_mra.evaluation.foreground import ForegroundResult
from keras_mra.evaluation.foreground import check_masks
from keras_mra.evaluation.foreground import compare_with_masks
from keras_mra.evaluation.paint import PaintResult
from keras_mra.evaluation.paint import paint_by_scores
from keras_mra.evaluation.paint import restores_patch_statistics
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import percent
from keras_mra.evaluation.verdict import attention_verdict
from keras_mra.evaluation.verdict import paint_verdict
from keras_mra.layers import MaskReconstruct
from keras_mra.models import MAE
from keras_mra.models import MSA
from keras_mra.typing import Array

MASK_RATIOS = (0.25, 0.4, 0.75)
# The painters to compare with, as the table names them.
SHORT_NAMES = {
    "telea": "Telea's",
    "mean_color": "mean colour",
    "nearest_patch": "nearest patch",
}


@dataclasses.dataclass(frozen=True)
class Inspection(Result):
    """The result of `inspect`.

    Attributes:
        attention_statistics: The result of `attention_statistics`.
        foreground: Tuple of the results of `foreground`, one for each mask ratio. It
            is empty without masks.
        paint: Tuple of the results of `paint`, one for each mask ratio. It is empty if
            the autoencoder has no decoder.
        mask_ratios: Tuple of floats.
        strategy: String, what chooses the patches that stay.
        images: Int.
        paint_verdicts: Tuple of sentences, one for each result of `paint`.
        attention_verdict: String, one sentence: whether the attention sees objects,
            and what to do if not.
    """

    protocol = "inspect"

    attention_statistics: AttentionStatisticsResult
    foreground: tuple[ForegroundResult, ...]
    paint: tuple[PaintResult, ...]
    mask_ratios: tuple[float, ...]
    strategy: str
    images: int
    paint_verdicts: tuple[str, ...]
    attention_verdict: str

    def rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("measure", "value", "to compare with")]
        rows += [(*row, "") for row in self.attention_statistics.rows()[1:]]
        if self.foreground:
            rows += _auroc_rows(self.foreground[0])
        for found in self.foreground:
            rows += _share_rows(found)
        for painted in self.paint:
            rows += _paint_rows(painted)
        return rows

    def __str__(self) -> str:
        sentences = [*self.paint_verdicts, self.attention_verdict]
        return "\n".join([super().__str__(), "", *sentences])


def inspect(
    mae: MAE | MSA | MaskReconstruct,
    images: Array,
    masks: Array | None = None,
    mask_ratios: Sequence[float] = MASK_RATIOS,
    seed: int = 0,
    *,
    batch_size: int = 64,
) -> Inspection:
    """Measures attention and paint, and says whether the attention sees objects.

    It computes what `attention_statistics`, `foreground` and `paint` do. The attention
    to the images is computed once for all of them. `visualization.plot_inspection`
    draws the same patches and the same paint.

    Args:
        mae: `MAE`, `MSA`, or another object whose `mae` is an `MAE`; or a
            `MaskReconstruct`, whose attention, `strategy` and
            `restore_patch_statistics` are used. Other objects are measured with the
            strategy `"attention"`, as `MaskReconstruct` uses them by default. Paint is
            left out if the `MAE` has no decoder.
        images: `(images, height, width, channels)`, at least two, in the `value_range`
            of the `MAE`. Use images that the `MAE` was not trained on.
        masks: `(images, height, width)`, bool, or numbers from 0 to 1, where 1 is the
            object; or `None`. Without masks, the verdict is a guess.
        mask_ratios: Floats in (0, 1), the shares of the patches to repaint.
        seed: Int, at least 0, for random masks of a `MaskReconstruct`.
        batch_size: Int.

    Returns:
        An `Inspection`. `print` shows its numbers and its verdicts.

    Raises:
        ValueError: If an argument is bad, or no image has both foreground and
            background patches.
        ImportError: If SciPy or OpenCV is not installed.

    Example:

    ```python
    images = images[:50]
    masks = images[..., 0] > 0  # clothes on black
    inspection = keras_mra.evaluation.inspect(mae, images, masks)
    print(inspection.attention_verdict)
    ```
    """
    found = required_mae(mae)
    ratios = checked_ratios(mask_ratios, found.num_patches)
    seed = checks.required_seed(seed)
    attend = AttentionSource(mae, batch_size=batch_size)
    images = attend.check_images(images)
    check_number_of_images(images)
    masks = None if masks is None else check_masks(masks, images)
    strategy = strategy_of(mae)
    restore = restores_patch_statistics(mae)

    scores, to_itself = attend(images)  # (B, N) and (B,)
    beside_masks: tuple[ForegroundResult, ...] = ()
    if masks is not None:
        beside_masks = tuple(
            compare_with_masks(scores, images, masks, found.patch_size, ratio)
            for ratio in ratios
        )
    statistics = describe_attention(attend, images, scores, to_itself)
    painted: tuple[PaintResult, ...] = ()
    if found.decoder is not None:
        painted = tuple(
            paint_by_scores(
                found, images, scores, ratio, strategy, seed, restore, attend.batch_size
            )
            for ratio in ratios
        )
    return Inspection(
        attention_statistics=statistics,
        foreground=beside_masks,
        paint=painted,
        mask_ratios=ratios,
        strategy=strategy,
        images=len(images),
        paint_verdicts=tuple(paint_verdict(result) for result in painted),
        attention_verdict=attention_verdict(
            beside_masks[0] if beside_masks else None, statistics
        ),
    )


def checked_ratios(mask_ratios: Any, num_patches: int) -> tuple[float, ...]:
    """Returns mask ratios as floats if each keeps and drops a patch."""
    is_sequence = isinstance(mask_ratios, (tuple, list)) or (
        isinstance(mask_ratios, np.ndarray) and mask_ratios.ndim == 1
    )
    if not is_sequence or len(mask_ratios) == 0:
        raise ValueError(
            "`mask_ratios` must be a sequence of numbers in (0, 1). "
            f"Received: mask_ratios={mask_ratios!r}"
        )
    for ratio in mask_ratios:
        try:
            masking.num_visible(num_patches, ratio)
        except ValueError as error:
            raise ValueError(
                "`mask_ratios` must be a sequence of numbers in (0, 1) that keep and "
                f"drop at least one of the {num_patches} patches. Received: "
                f"mask_ratios={mask_ratios!r}"
            ) from error
    return tuple(float(ratio) for ratio in mask_ratios)


def strategy_of(mae: MAE | MSA | MaskReconstruct) -> str:
    """The strategy of a `MaskReconstruct`, or the one that it has by default."""
    return str(mae.strategy) if isinstance(mae, MaskReconstruct) else "attention"


def _auroc_rows(found: ForegroundResult) -> list[tuple[str, str, str]]:
    others = [
        f"{REFERENCES[name]} {values['auroc']:.3f}"
        for name, values in found.references.items()
    ]
    value = f"{found.auroc:.3f} ± {found.deviation:.3f}"
    left_out = f" (images left out: {found.left_out})" if found.left_out else ""
    return [(f"AUROC{left_out}", value, ", ".join(others))]


def _share_rows(found: ForegroundResult) -> list[tuple[str, str, str]]:
    shares = {
        "foreground kept": found.foreground_kept,
        "background repainted": found.background_repainted,
    }
    return [
        (
            f"{name} at {found.mask_ratio:g}, %",
            percent(share),
            ", ".join(
                f"{REFERENCES[other]} {percent(values[name.replace(' ', '_')])}"
                for other, values in found.references.items()
            ),
        )
        for name, share in shares.items()
    ]


def _paint_rows(found: PaintResult) -> list[tuple[str, str, str]]:
    formats = {
        "mse": ("MSE", ".4f"),
        "psnr": ("PSNR, dB", ".2f"),
        "ssim": ("SSIM", ".3f"),
        "seams": ("seams", ".2f"),
        "mse_to_telea": ("MSE / Telea's", ".2f"),
    }
    return [
        (
            f"{title} at {found.mask_ratio:g}",
            f"{getattr(found, name):{digits}}",
            ", ".join(
                f"{SHORT_NAMES[painter]} {values[name]:{digits}}"
                for painter, values in found.references.items()
            ),
        )
        for name, (title, digits) in formats.items()
    ]
