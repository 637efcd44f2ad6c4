"""Which images of a data set without a test split are kept for measurements."""

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
