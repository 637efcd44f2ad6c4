"""The error of an autoencoder's painted patches, beside reference painters."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra import checks
from keras_mra import masking
from keras_mra.evaluation import reference_painters
from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.features import required_mae
from keras_mra.evaluation.in_batches import in_batches
from keras_mra.evaluation.kept_patches import kept_patches
from keras_mra.evaluation.paint_errors import PaintErrors
from keras_mra.evaluation.paint_errors import mse_ratio
from keras_mra.evaluation.result import Result
from keras_mra.layers import MaskReconstruct
from keras_mra.models import MAE
from keras_mra.models import MSA
from keras_mra.models.autoencoder import check_decoder
from keras_mra.typing import Array

# The painters to compare with, and their names in the table.
PAINTERS = {
    "telea": ("Telea's inpainting", reference_painters.telea),
    "mean_color": ("mean colour of the visible pixels", reference_painters.mean_color),
    "nearest_patch": ("nearest visible patch", reference_painters.nearest_patch),
}


@dataclasses.dataclass(frozen=True)
class PaintResult(Result):
    """The result of `paint`. All errors are those of the dropped patches.

    Attributes:
        mse: Float, the mean squared error in the 0 to 1 scale of `value_range`.
        psnr: Float, `-10 * log10(mse)` in decibels, at most 100.
        ssim: Float, the structural similarity; 1 means equal.
        seams: Float, the jumps at the borders between dropped and visible patches,
            relative to those in the original images.
        mse_to_telea: Float, `mse` divided by that of Telea's inpainting. All ratios
            are finite, see `paint`.
        references: Dict with the same five numbers for `"telea"`, `"mean_color"` and
            `"nearest_patch"`.
        mask_ratio: Float.
        strategy: String.
        seed, images: Ints.
        restore_patch_statistics: Bool, whether the painter was given the mean and
            deviation of each dropped patch.
    """

    protocol = "paint"

    mse: float
    psnr: float
    ssim: float
    seams: float
    mse_to_telea: float
    references: dict[str, dict[str, float]]
    mask_ratio: float
    strategy: str
    seed: int
    images: int
    restore_patch_statistics: bool

    def rows(self) -> list[tuple[str, ...]]:
        found = {"MAE": dataclasses.asdict(self)}
        found |= {PAINTERS[name][0]: values for name, values in self.references.items()}
        return [
            ("painter", "MSE", "PSNR, dB", "SSIM", "seams", "MSE / Telea's"),
            *(
                (
                    name,
                    f"{values['mse']:.4f}",
                    f"{values['psnr']:.2f}",
                    f"{values['ssim']:.3f}",
                    f"{values['seams']:.2f}",
                    f"{values['mse_to_telea']:.2f}",
                )
                for name, values in found.items()
            ),
        ]


def paint(
    mae: MAE | MSA | MaskReconstruct,
    images: Array,
    mask_ratio: float = 0.4,
    strategy: str = "random",
    seed: int = 0,
    *,
    restore_patch_statistics: bool | None = None,
    batch_size: int = 64,
) -> PaintResult:
    """Measures the error of painted patches, and that of reference painters.

    All painters get the same masks. Only dropped patches count, because visible ones
    are not changed. Values are scaled to 0 to 1 by the `value_range` of the `MAE`.

    - MSE and SSIM are averaged over the pixels of dropped patches. The window of SSIM,
      a Gaussian of 11x11 pixels, reaches into visible patches.
    - `seams` is `sum |painted[i] - painted[j]| / sum |original[i] - original[j]|`, over
      all pairs of neighbouring pixels `i` and `j` of which one lies in a dropped patch
      and the other in a visible one. 1 is as in the original; larger means harder
      borders.

    In both ratios, `seams` and `mse_to_telea`, a root mean square or a mean jump below
    half a level of 8 bits, `1 / 510`, counts as half a level. Flat images therefore
    give finite ratios, and a painter that is as flat gives 1.

    The reference painters are OpenCV's inpainting of Telea (8 bits, radius 3), the mean
    colour of the visible pixels, and a copy of the nearest visible patch. They need
    `pip install 'keras-mra[evaluation,images]'`.

    Args:
        mae: `MAE`, or another object whose `mae` is an `MAE`, such as an `MSA` or a
            `MaskReconstruct`. It has a decoder.
        images: `(images, height, width, channels)`, in the `value_range` of the `MAE`.
            Use images that the `MAE` was not trained on.
        mask_ratio: Float in (0, 1), the share of the patches to drop.
        strategy: `"random"`, `"attention"` or `"low_attention"`: the patches that stay
            visible, as in `MaskReconstruct`. Random masks are the same on every
            backend. The attention is that of the last block, or the one that a
            `MaskReconstruct` uses.
        seed: Int, at least 0, for random masks.
        restore_patch_statistics: Bool. Gives each painted patch the mean and deviation
            of the patch that it replaces, as in `MaskReconstruct`. `None` means the
            setting of a `MaskReconstruct`, and for other objects `True` if the `MAE`
            was trained with `norm_pix_loss`, because it cannot paint without them.
        batch_size: Int.

    Returns:
        A `PaintResult`.

    Raises:
        ValueError: If an argument is bad.
        ImportError: If SciPy or OpenCV is not installed.

    Example:

    >>> print(keras_mra.evaluation.paint(mae, images[:50], mask_ratio=0.4))
    """
    found = painter_of(mae)
    restore = restores_patch_statistics(mae, restore_patch_statistics)
    seed = checks.required_seed(seed)
    batch_size = checks.positive_int("batch_size", batch_size)
    masking.check_strategy(strategy, temperature=0.0)
    masking.num_visible(found.num_patches, mask_ratio)
    attend = AttentionSource(mae, batch_size=batch_size)
    images = attend.check_images(images)
    # Random masks need only the shape of the scores.
    scores = np.zeros((len(images), found.num_patches))
    if strategy != "random":
        scores = attend(images)[0]
    return paint_by_scores(
        found, images, scores, mask_ratio, strategy, seed, restore, batch_size
    )


def paint_by_scores(
    mae: MAE,
    images: NDArray[Any],
    scores: NDArray[np.float64],
    mask_ratio: float,
    strategy: str,
    seed: int,
    restore_patch_statistics: bool,
    batch_size: int,
) -> PaintResult:
    """Does what `paint` does, for scores `(images, patches)` that are computed already.

    The arguments are checked.
    """
    visible = kept_patches(scores, mask_ratio, strategy, seed)  # (B, K)

    def repaint(batch: Array, visible: Array) -> Array:
        repainted, _ = mae.repaint(
            batch, lambda *_: visible, restore_patch_statistics, check_values=False
        )
        return repainted

    run = backend.compiled(mae, repaint)
    painted = in_batches(run, batch_size, images, visible)
    hidden = np.ones((len(images), mae.num_patches), bool)
    np.put_along_axis(hidden, visible, False, axis=1)
    return PaintResult(
        **_errors(mae, images, painted, hidden.reshape(-1, *mae.grid)),
        mask_ratio=float(mask_ratio),
        strategy=strategy,
        seed=seed,
        images=len(images),
        restore_patch_statistics=restore_patch_statistics,
    )


def painter_of(mae: Any) -> MAE:
    """The `MAE` that an object is or holds, if it has a decoder."""
    found = required_mae(mae)
    check_decoder(found)
    return found


def restores_patch_statistics(
    mae: MAE | MSA | MaskReconstruct, value: bool | None = None
) -> bool:
    """Returns `value`, or what `None` stands for; see `paint`."""
    norm_pix_loss = required_mae(mae).norm_pix_loss
    if value is None and isinstance(mae, MaskReconstruct):
        value = mae.restore_patch_statistics
    if value is None:
        value = norm_pix_loss
    return checks.restore_patch_statistics(value, norm_pix_loss)


def _errors(
    mae: MAE,
    images: NDArray[Any],
    painted: NDArray[Any],
    hidden: NDArray[np.bool_],
) -> dict[str, Any]:
    """The errors of the MAE, and those of the reference painters as `references`."""
    low, high = mae.value_range
    own = PaintErrors()
    others = {name: PaintErrors() for name in PAINTERS}
    for image, repainted, patches in zip(images, painted, hidden):
        original = (image.astype("float64") - low) / (high - low)
        mask = reference_painters.pixel_mask(patches, mae.patch_size)
        own.add(original, (repainted.astype("float64") - low) / (high - low), mask)
        for name, (_, painter) in PAINTERS.items():
            others[name].add(original, painter(original, patches, mae.patch_size), mask)
    telea = others["telea"].mse()

    def summary(errors: PaintErrors) -> dict[str, float]:
        return {**errors.to_dict(), "mse_to_telea": mse_ratio(errors.mse(), telea)}

    references = {name: summary(errors) for name, errors in others.items()}
    return {**summary(own), "references": references}
