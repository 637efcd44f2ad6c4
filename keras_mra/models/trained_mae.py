"""`trained_mae`: the autoencoder of a `preset` that has to paint."""

from keras_mra.models.mae import MAE
from keras_mra.models.untrained_parts import untrained_parts
from keras_mra.typing import Path


def trained_mae(preset: Path) -> MAE:
    """Loads an autoencoder, and refuses one that would paint noise.

    Args:
        preset: Name, path or handle.

    Raises:
        ValueError: If there is no such preset, or it has no trained weights.
    """
    mae = MAE.from_preset(preset, load_weights=True)
    if parts := untrained_parts(mae):
        raise ValueError(
            "`preset` must be trained. Received: "
            f"{str(preset)!r}, whose {' and '.join(parts)} "
            f"{'have' if len(parts) > 1 else 'has'} the initial weights. Train it "
            "with `keras-mra pretrain`."
        )
    return mae
