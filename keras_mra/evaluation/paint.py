"""The error of an autoencoder's painted patches, beside reference painters."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra import checks
from keras_mra import masking
from keras_mra.evaluation import reference_painters
from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.attention_source import in_batches
from keras_mra.evaluation.features import mae_of
from keras_mra.evaluation.paint_errors import PaintErrors
from keras_mra.evaluation.paint_errors import ratio
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
        mse_to_telea: Float, `mse` divided by that of Telea's inpainting.
        references: Dict with the same five numbers for `"telea"`, `"mean_color"` and
            `"nearest_patch"`.
        mask_ratio: Float.
        strategy: String.
        seed, images: Ints.
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
        seed: Int, for random masks.
        batch_size: Int.

    Returns:
        A `PaintResult`.

    Raises:
        ValueError: If an argument is bad.
        ImportError: If SciPy or OpenCV is not installed.

    Example:

    >>> print(keras_mra.evaluation.paint(mae, images[:50], mask_ratio=0.4))
    """
    found = mae_of(mae)
    if found is None:
        raise ValueError(
            "`mae` must be an MAE, or hold one as its `mae`. "
            f"Received: mae={mae!r} (of type {type(mae).__name__})"
        )
    check_decoder(found)
    seed = checks.nonnegative_int("seed", seed)
    batch_size = checks.positive_int("batch_size", batch_size)
    masking.check_strategy(strategy, temperature=0.0)
    kept = masking.num_visible(found.num_patches, mask_ratio)
    attend = AttentionSource(mae, batch_size=batch_size)
    images = attend.check_images(images)
    if strategy == "random":
        draws = np.random.default_rng(seed).random((len(images), found.num_patches))
        visible = draws.argsort(axis=1)[:, :kept]
    else:
        scores = attend(images)[0].astype("float32")
        visible = masking.visible_patches(scores, mask_ratio, strategy)
    visible = np.asarray(ops.convert_to_numpy(visible), "int32")  # (B, K)

    def repaint(batch: Array, visible: Array) -> Array:
        return found.repaint(batch, lambda *_: visible)[0]

    run = backend.compiled(found, repaint)
    painted = in_batches(run, batch_size, images, visible)
    hidden = np.ones((len(images), found.num_patches), bool)
    np.put_along_axis(hidden, visible, False, axis=1)
    return PaintResult(
        **_errors(found, images, painted, hidden.reshape(-1, *found.grid)),
        mask_ratio=float(mask_ratio),
        strategy=strategy,
        seed=seed,
        images=len(images),
    )


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
        return {**errors.to_dict(), "mse_to_telea": ratio(errors.mse(), telea)}

    references = {name: summary(errors) for name, errors in others.items()}
    return {**summary(own), "references": references}
