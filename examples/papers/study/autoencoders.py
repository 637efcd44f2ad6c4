"""The autoencoder that augments an experiment's images."""

from keras_mra.models import MAE
from keras_mra.pretrain import pretrain_mae

SHIPPED = {("fashion_mnist", (28, 28, 1)): "mae_nano_fashion_mnist"}


def autoencoder(data, folder, preset=None, epochs=30):
    """The MAE for a data set: given, shipped, or trained on its images.

    Args:
        data: `Splits`.
        folder: `pathlib.Path` where one that is pretrained is kept and found again.
        preset: As in `MAE.from_preset`, or `None` for the one that ships for
            Fashion-MNIST, and for other data one that is pretrained here.
        epochs: Int, of that pretraining.

    Returns:
        `(mae, origin)`: the `MAE`, and in words where it is from.
    """
    preset = preset or SHIPPED.get((data.name, tuple(data.image_shape)))
    if preset is not None:
        return MAE.from_preset(preset, load_weights=True), preset
    mae = pretrained(data, folder, epochs)
    width = f"{mae.encoder_dim}x{mae.encoder_depth}"
    return mae, f"{width}, pretrained {epochs} epochs on the training images"


def pretrained(data, folder, epochs, **arguments):
    """An MAE trained on the training images without their labels, or found.

    Args:
        data: `Splits`.
        folder: `pathlib.Path` where it is kept. A killed training goes on from there.
        epochs: Int.
        **arguments: Of `pretrain_mae`.
    """
    preset = folder / "preset"
    if not (preset / "config.json").exists():
        small = max(data.image_shape[:2]) <= 96
        size = (
            dict(preset="mae_nano", learning_rate=2e-3)
            if small
            else dict(preset="mae_mini")
        )
        mae = pretrain_mae(
            data.train,
            image_shape=data.image_shape,
            epochs=epochs,
            checkpoint=folder / "checkpoint",
            verbose=0,
            **{**size, **arguments},
        )
        mae.save_to_preset(preset)
    return MAE.from_preset(preset)
