"""The autoencoder that augments the images of an experiment."""

from keras_mra.models import MAE
from keras_mra.pretrain import pretrain_mae

SHIPPED = {("fashion_mnist", (28, 28, 1)): "mae_nano_fashion_mnist"}


def autoencoder(data, folder, preset=None, epochs=30):
    """The `MAE` for a data set: a given, a shipped or a newly trained one.

    Args:
        data: `Splits`.
        folder: `pathlib.Path`, the folder that keeps a newly trained one.
        preset: As in `MAE.from_preset`. `None` loads the one that ships for
            Fashion-MNIST, and trains one on the images of any other data set.
        epochs: Int, the epochs of that training.

    Returns:
        An `MAE`.
    """
    preset = preset or SHIPPED.get((data.name, tuple(data.image_shape)))
    if preset is None:
        return pretrained(data, folder, epochs)
    return MAE.from_preset(preset, load_weights=True)


def pretrained(data, folder, epochs, **arguments):
    """Trains an `MAE` on the training images without their labels, or loads it.

    Args:
        data: `Splits`.
        folder: `pathlib.Path`, the folder that keeps it. A training that was killed
            continues from there.
        epochs: Int.
        **arguments: Arguments of `pretrain_mae`.

    Returns:
        An `MAE`.
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
            # The published recipe, which the results of the documentation used.
            **{"mask_ratio": 0.75, "smooth_fill": False, **size, **arguments},
        )
        mae.save_to_preset(preset)
    return MAE.from_preset(preset)
