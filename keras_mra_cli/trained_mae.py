"""The autoencoder of a command's `preset`."""

from keras_mra.models import MAE
from keras_mra.models.untrained_parts import untrained_parts


def trained_mae(preset: str) -> MAE:
    """Loads an autoencoder, and refuses one that would paint noise.

    Raises:
        ValueError: If there is no such preset, or it has no trained weights.
    """
    mae = MAE.from_preset(preset, load_weights=True)
    if parts := untrained_parts(mae):
        raise ValueError(
            "`preset` must be trained. Received: "
            f"{preset!r}, whose {' and '.join(parts)} "
            f"{'have' if len(parts) > 1 else 'has'} the initial weights. Train it "
            "with `keras-mra pretrain`."
        )
    return mae
