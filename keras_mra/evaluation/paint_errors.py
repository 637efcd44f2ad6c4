"""Errors of painted patches, summed over images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra.evaluation.ssim import ssim

# The smallest MSE that a PSNR tells from 0.
SMALLEST_MSE = 1e-10
# Half a level of 8 bits. Smaller differences are rounding: a ratio takes them for this.
HALF_LEVEL = 0.5 / 255


class PaintErrors:
    """The errors of one painter on the dropped patches of images.

    `add` is called for each image, with values from 0 to 1.
    """

    def __init__(self) -> None:
        self.squares: list[float] = []
        self.similarities: list[float] = []
        self.jumps = self.original_jumps = 0.0
        self.pairs = 0

    def add(
        self, original: NDArray[Any], painted: NDArray[Any], mask: NDArray[np.bool_]
    ) -> None:
        """Measures one image.

        Args:
            original: Array of shape `(height, width, channels)`.
            painted: Array of the same shape.
            mask: Bool array of shape `(height, width)`, the dropped pixels.
        """
        difference = painted[mask] - original[mask]  # (dropped pixels, C)
        self.squares.append(float(np.square(difference).mean()))
        self.similarities.append(float(ssim(original, painted)[mask].mean()))
        self.jumps += jumps(painted, mask)
        self.original_jumps += jumps(original, mask)
        self.pairs += border_pairs(mask)

    def mse(self) -> float:
        """The mean squared error."""
        return float(np.mean(self.squares))

    def to_dict(self) -> dict[str, float]:
        """MSE, the PSNR of that MSE in decibels, SSIM, and seams."""
        return {
            "mse": self.mse(),
            "psnr": float(-10 * np.log10(max(self.mse(), SMALLEST_MSE))),
            "ssim": float(np.mean(self.similarities)),
            "seams": ratio(self.jumps, self.original_jumps, self.pairs * HALF_LEVEL),
        }


def jumps(image: NDArray[Any], mask: NDArray[np.bool_]) -> float:
    """The sum of the absolute differences across the borders of a mask.

    Args:
        image: Array of shape `(height, width, channels)`.
        mask: Bool array of shape `(height, width)`.

    Returns:
        Float, over all pairs of neighbouring pixels of which one is in the mask.
        Channels are averaged.
    """
    total = 0.0
    for axis in (0, 1):
        border = np.diff(mask, axis=axis)
        steps = np.abs(np.diff(image, axis=axis)).mean(axis=-1)
        total += float(steps[border].sum())
    return total


def border_pairs(mask: NDArray[np.bool_]) -> int:
    """The number of pairs of pixels that `jumps` sums over."""
    return sum(int(np.diff(mask, axis=axis).sum()) for axis in (0, 1))


def mse_ratio(mse: float, reference: float) -> float:
    """One MSE divided by another. Both count as at least that of half a level."""
    return ratio(mse, reference, HALF_LEVEL**2)


def ratio(value: float, reference: float, smallest: float) -> float:
    """A ratio of two numbers, each of which counts as at least `smallest`."""
    return max(value, smallest) / max(reference, smallest)
