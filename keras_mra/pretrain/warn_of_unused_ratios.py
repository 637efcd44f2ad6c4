"""`warn_of_unused_ratios`: batches that are too small for a range of mask ratios."""

import warnings

from keras_mra import distribution
from keras_mra.models import MAE


def warn_of_unused_ratios(mae: MAE, images: int) -> None:
    """Warns if a batch has fewer images than the `MAE` has mask ratios.

    Args:
        mae: `MAE` to train.
        images: Int, the images of a batch on one replica.
    """
    ratios = len(mae.visible_counts)
    if images < ratios and distribution.is_main_process():
        warnings.warn(
            f"A batch has {images} image{'s' * (images > 1)} on a device, but "
            f"`mask_ratio={mae.mask_ratio}` has {ratios} ratios. The lower ones are "
            "not trained. Use larger batches or a single ratio.",
            stacklevel=4,
        )
