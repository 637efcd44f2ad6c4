"""The patches that stay visible while paint is measured or drawn."""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import masking


def kept_patches(
    scores: NDArray[Any], mask_ratio: float, strategy: str, seed: int
) -> NDArray[np.int32]:
    """Chooses patches as `MaskReconstruct` does, with random masks from NumPy.

    Random masks are the same on every backend, and those of the first images do not
    depend on the number of images.

    Args:
        scores: Array of shape `(images, patches)`. `"random"` uses only its shape.
        mask_ratio: Float in (0, 1).
        strategy: `"attention"`, `"low_attention"` or `"random"`.
        seed: Int, for random masks.

    Returns:
        Int32 array of shape `(images, kept)`.
    """
    if strategy == "random":
        draws = np.random.default_rng(seed).random(scores.shape)
        kept = masking.num_visible(scores.shape[1], mask_ratio)
        return draws.argsort(axis=1)[:, :kept].astype("int32")
    visible = masking.visible_patches(scores.astype("float32"), mask_ratio, strategy)
    return np.asarray(ops.convert_to_numpy(visible), "int32")
