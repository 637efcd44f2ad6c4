"""A check of what an autoencoder makes of the first images."""

from collections.abc import Callable

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra.models.mae import MAE
from keras_mra.typing import Array


def check_first_paint(
    mae: MAE,
    images: Array,
    patch_scores: Callable[[Array, Callable[..., Array]], Array] | None,
    restore_patch_statistics: bool,
) -> None:
    """Refuses an autoencoder that attends or paints NaN: as integers, it is black.

    Finite weights do not exclude it, because sums can overflow. Nothing is checked
    where the weights are traced. No random numbers are drawn.

    Args:
        mae: `MAE`.
        images: Concrete float32 tensor `(batch, height, width, channels)`.
        patch_scores: Function of `(seen, attend)` as in `MAE.repaint`, that returns the
            scores of the patches, or `None` if others have checked them.
        restore_patch_statistics: Bool, as in `MAE.repaint`.

    Raises:
        ValueError: If a score or a pixel is not finite, or a score is negative.
    """
    scores: Array = np.zeros(())

    def first_patch(seen: Array, attend: Callable[..., Array]) -> Array:
        nonlocal scores
        if patch_scores is not None:
            scores = patch_scores(seen, attend)  # (B, N)
        return ops.zeros((images.shape[0], 1), "int32")

    painted, _ = mae.repaint(
        images, first_patch, restore_patch_statistics, check_values=False
    )
    if not checks.is_concrete(painted):
        return
    found = ""
    if wrong := checks.what_is_wrong(ops.convert_to_numpy(scores).astype("float32")):
        found = f"{wrong} in the attention"
    elif not np.isfinite(ops.convert_to_numpy(painted)).all():
        found = "NaN or infinite paint"
    if found:
        raise ValueError(
            "`mae` must attend and paint with finite numbers. Received: "
            f"{found}, for the first {images.shape[0]} images"
        )
