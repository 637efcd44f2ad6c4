"""Which images of a data set without a test split are kept for measurements."""

from typing import Any

import numpy as np
import numpy.typing as npt


def held_out_count(images: int, wanted: int) -> int:
    """How many images to keep: as many as wanted, but at most a tenth of all.

    A single image measures nothing, so that the count is 0 instead of 1.
    """
    count = min(wanted, images // 10)
    return count if count > 1 else 0


def evenly_spaced(images: int, count: int) -> npt.NDArray[np.int64]:
    """Indices of `count` of the images, spread evenly over their sorted names."""
    return np.arange(count, dtype="int64") * images // count


def hold_out(
    labels: npt.NDArray[Any], share: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indices for training and testing: every class is split, always the same way.

    Args:
        labels: Integer array of shape `(samples,)`.
        share: Float in (0, 1), the share of each class to test on, at least one image.
    """
    rng = np.random.default_rng(0)
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        held[members[: max(1, round(share * len(members)))]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)
