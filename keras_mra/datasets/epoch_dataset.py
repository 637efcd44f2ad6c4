"""Which samples make up a batch, as a pure function of seed, epoch and position.

A run that is killed and resumed with `set_epoch` therefore sees exactly the batches
of a run that never stopped.
"""

import keras
import numpy as np

from keras_mra import checks

DEFAULT_BATCH_SIZE = 256


class EpochDataset(keras.utils.PyDataset):
    """A `PyDataset` of a known number of samples in a reproducible order.

    Subclasses implement `batch(indices)`. The order is shuffled here, so call
    `fit(..., shuffle=False)`: with its default, Keras shuffles the batches once more
    with Python's global random state, which no resumed run can repeat.

    The epoch advances at the end of each epoch of `fit`, or by `on_epoch_end()` after
    a loop `for batch in dataset`. A `SetEpoch` callback ties it to the epoch of `fit`
    instead, which a resumed run needs: on JAX and PyTorch, Keras begins an epoch more
    where it has to build the model or its loss.

    Args:
        num_samples: Int, samples in one epoch.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        shuffle: Whether each epoch has its own order.
        seed: Int, at least 0, or `None` for one drawn anew.
        drop_last: Whether to drop a last batch that is not full.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        ValueError: If there are no samples, or none would be left.
    """

    def __init__(self, num_samples, batch_size, *, shuffle, seed, drop_last, **kwargs):
        super().__init__(**kwargs)
        if num_samples < 1:
            raise ValueError("The data set must not be empty. Received: 0 samples")
        if batch_size is None:
            batch_size = min(DEFAULT_BATCH_SIZE, num_samples)
        self.batch_size = checks.positive_int("batch_size", batch_size)
        if drop_last and num_samples < batch_size:
            raise ValueError(
                "`batch_size` must be at most the number of samples, because the last "
                "batch is dropped when it is not full. Received: "
                f"batch_size={batch_size}, but the data set has {num_samples} samples "
                "(`drop_last=False` keeps the partial batch)."
            )
        self.num_samples = num_samples
        self.shuffle = bool(shuffle)
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        self.seed = checks.seed(seed)
        self.drop_last = bool(drop_last)
        self._limit = None
        self.set_epoch(0)

    @property
    def epoch(self):
        """Number of the epoch that the next batch belongs to."""
        return self._epoch

    def set_epoch(self, epoch):
        """Goes to the start of an epoch, for instance that of a resumed run.

        Args:
            epoch: Int, at least 0.
        """
        self._epoch = _natural_number("epoch", epoch)
        self._begun = False
        self._order = None

    def on_epoch_begin(self):
        self._begun = True

    def on_epoch_end(self):
        # `fit` calls this once more, before its first epoch.
        if self._begun:
            self.set_epoch(self._epoch + 1)

    def __iter__(self):
        self.on_epoch_begin()
        yield from super().__iter__()

    def limit(self, batches):
        """Ends each epoch after so many batches.

        Args:
            batches: Int, at least 1 and at most the batches that there are.
        """
        if not 1 <= batches <= len(self):
            raise ValueError(
                f"An epoch of {len(self)} batches cannot be limited to {batches}."
            )
        self._limit = batches

    def __len__(self):
        if self._limit is not None:
            return self._limit
        full, rest = divmod(self.num_samples, self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"Batch {index} of a data set of {len(self)} batches.")
        first = index * self.batch_size
        return self.batch(self.order()[first : first + self.batch_size])

    def batch(self, indices):
        """Returns the samples at `indices`: `images` or `(images, labels)`."""
        raise NotImplementedError

    def all_labels(self):
        """The label of each sample, without its image.

        Returns:
            Integers of shape `(samples,)`.

        Raises:
            ValueError: If there are no labels.
        """
        raise ValueError(f"This {type(self).__name__} has no labels.")

    def can_read(self, index):
        """Whether sample `index` is what its file holds, and no substitute."""
        return True

    def order(self):
        """The indices of all samples in the order of this epoch."""
        if self._order is None:
            self._order = (
                # 0 sets this stream apart from the samples' own, below.
                np.random.default_rng([self.seed, self._epoch, 0]).permutation(
                    self.num_samples
                )
                if self.shuffle
                else np.arange(self.num_samples)
            )
        return self._order

    def sample_rng(self, index):
        """A generator that depends on the seed, the epoch and the sample alone."""
        return np.random.default_rng([self.seed, self._epoch, 1 + int(index)])


class SetEpoch(keras.callbacks.Callback):
    """Gives epoch `i` of `fit` epoch `i` of a data set, also after `initial_epoch`.

    Args:
        dataset: An `EpochDataset`, the one that is trained on.

    Example:

    >>> model.fit(dataset, shuffle=False, callbacks=[SetEpoch(dataset)])
    """

    def __init__(self, dataset):
        super().__init__()
        self.dataset = dataset

    def on_epoch_begin(self, epoch, logs=None):
        self.dataset.set_epoch(epoch)


def _natural_number(name, value):
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_int or value < 0:
        raise ValueError(
            f"`{name}` must be an integer, at least 0. Received: {name}={value!r}"
        )
    return int(value)
