"""A warning about autoencoders that were never trained."""

import contextlib
import contextvars
import warnings
from collections.abc import Iterator

from keras_mra.models.mae import MAE
from keras_mra.models.untrained_parts import untrained_parts

_LOADING = contextvars.ContextVar("loading", default=False)


@contextlib.contextmanager
def weights_come_later() -> Iterator[None]:
    """Turns the warning off, for layers that are made before their weights are read."""
    token = _LOADING.set(True)
    try:
        yield
    finally:
        _LOADING.reset(token)


def warn_of_untrained_weights(mae: MAE, name: str = "mae", paints: bool = True) -> None:
    """Warns of an autoencoder whose encoder or decoder has its initial weights.

    Args:
        mae: `MAE`.
        name: Name of the argument in the message.
        paints: Bool, whether its decoder is used, and not its attention alone.
    """
    parts = [] if _LOADING.get() else list(untrained_parts(mae))
    if not paints:
        parts = [part for part in parts if part == "encoder"]
    if parts:
        effect = "repaint patches with noise" if paints else "choose patches at random"
        warnings.warn(
            f"`{name}` must be trained, but its {' and '.join(parts)} still "
            f"{'have' if len(parts) > 1 else 'has'} the initial weights: it will "
            f"{effect}. Load a preset with weights, such as "
            "`keras_mra.MAE.from_preset('mae_nano_photos')`, or train it with "
            "`keras_mra.pretrain_mae`.",
            stacklevel=3,
        )
