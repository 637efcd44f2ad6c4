"""A warning about autoencoders that paint grey patches."""

import warnings

from keras_mra.models.mae import MAE


def warn_of_gray_paint(mae: MAE, restore_patch_statistics: bool) -> None:
    """Warns of an autoencoder with `norm_pix_loss` whose patches stay standardised."""
    if mae.norm_pix_loss and not restore_patch_statistics:
        warnings.warn(
            "`mae` was trained with `norm_pix_loss` and paints grey patches. Set "
            "`restore_patch_statistics=True` (it leaks the dropped patches' mean "
            "and deviation) or train it with `norm_pix_loss=False`.",
            stacklevel=3,
        )
