"""The callback that ties the epoch of a data set to that of `fit`."""

from typing import Any

import keras

from keras_mra.datasets.epoch_dataset import EpochDataset


class SetEpoch(keras.callbacks.Callback):
    """Sets a data set to epoch `i` at the begin of epoch `i` of `fit`.

    It also begins and ends the epochs of an `EpochDataset`. Where Keras begins them
    too, `on_epoch_begin` is called twice.

    The epochs agree after `initial_epoch` too.

    Args:
        dataset: The `EpochDataset` that `fit` trains on.

    Raises:
        ValueError: If `dataset` has no method `set_epoch`.

    Example:

    >>> model.fit(dataset, shuffle=False, callbacks=[SetEpoch(dataset)])
    """

    def __init__(self, dataset: EpochDataset) -> None:
        super().__init__()
        if not callable(getattr(dataset, "set_epoch", None)):
            raise ValueError(
                "`dataset` must have a method `set_epoch`, as an EpochDataset has. "
                f"Received: dataset={dataset!r} (of type {type(dataset).__name__})"
            )
        self.dataset = dataset

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the epoch of the data set, and begins it. Keras calls it."""
        self.dataset.set_epoch(epoch)
        if isinstance(self.dataset, EpochDataset):
            self.dataset.on_epoch_begin()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Ends the epoch of the data set. Keras calls it."""
        # Keras ends the epoch of a `PyDataset` that `fit` gets, but not of one behind a
        # `tf.data.Dataset`.
        if isinstance(self.dataset, EpochDataset) and self.dataset.has_begun:
            self.dataset.on_epoch_end()
