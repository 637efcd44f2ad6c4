"""Batches in an order that is a pure function of the seed, the epoch and the position.

A run that is killed and resumed with `set_epoch` therefore sees exactly the batches of
an uninterrupted run.
"""

import reprlib
from collections.abc import Iterator
from typing import Any
from typing import TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from keras_mra import checks

DEFAULT_BATCH_SIZE = 256
# Their order takes 8 bytes each.
MOST_SAMPLES = 10**9
# The batches that are read while one is used.
AHEAD = 2
# Images, or images and labels.
Batch: TypeAlias = npt.NDArray[Any] | tuple[npt.NDArray[Any], npt.NDArray[Any]]


class EpochDataset(keras.utils.PyDataset):
    """A `PyDataset` of a known number of samples in a reproducible order.

    Subclasses implement `batch(indices)`. This class shuffles the samples, so call
    `fit(..., shuffle=False)`: by default, Keras shuffles the batches a second time
    with Python's global random state, which a resumed run cannot repeat.

    The epoch advances at the end of each epoch of `fit`, or by `on_epoch_end()` after
    a loop `for batch in dataset`. A resumed run needs a `SetEpoch` callback, which
    sets the epoch to that of `fit`: on JAX and PyTorch, Keras begins an additional
    epoch when it has to build the model or its loss. There, such an epoch also leaves
    batches in the queue of a data set with more than one worker, which `fit` takes for
    those of the next epochs: keep `workers=1` if a model is not built before.

    Args:
        num_samples: Int, the samples of one epoch.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        shuffle: Bool, whether each epoch has its own order.
        seed: Int, at least 0, or `None` for a random seed.
        drop_last: Bool, whether to drop a last batch that is not full.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        ValueError: If there are no samples, or fewer than a batch with `drop_last`.
    """

    def __init__(
        self,
        num_samples: int,
        batch_size: int | None,
        *,
        shuffle: bool,
        seed: int | None,
        drop_last: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_samples < 1:
            raise ValueError("The data set must not be empty. Received: 0 samples")
        if num_samples > MOST_SAMPLES:
            raise ValueError(
                f"An epoch must have at most {MOST_SAMPLES:,} samples, such as crops: "
                "`crops_per_image` may be too large. Received: "
                f"{reprlib.repr(num_samples)} samples"
            )
        self.drop_last = checks.flag("drop_last", drop_last)
        if batch_size is None:
            batch_size = min(DEFAULT_BATCH_SIZE, num_samples)
        self.batch_size = checks.positive_int("batch_size", batch_size)
        if self.drop_last and num_samples < batch_size:
            raise ValueError(
                "`batch_size` must be at most the number of samples, because a last "
                "batch that is not full is dropped. "
                f"Received: batch_size={batch_size}, but the data set has "
                f"{num_samples} samples"
            )
        self.num_samples = num_samples
        self.shuffle = checks.flag("shuffle", shuffle)
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        self.seed = checks.required_seed(seed)
        self._limit: int | None = None
        self.set_epoch(0)

    @property
    def epoch(self) -> int:
        """Number of the epoch of the next batch."""
        return self._epoch

    @property
    def has_begun(self) -> bool:
        """Whether the epoch has begun and has not ended."""
        return self._begun

    def set_epoch(self, epoch: int) -> None:
        """Moves to the start of an epoch, for instance that of a resumed run.

        Args:
            epoch: Int, at least 0.
        """
        self._epoch = checks.nonnegative_int("epoch", epoch)
        self._begun = False
        self._order: npt.NDArray[np.int64] | None = None

    def on_epoch_begin(self) -> None:
        """Marks the epoch as begun. Keras calls it."""
        self._begun = True

    def on_epoch_end(self) -> None:
        """Moves to the next epoch, if this one has begun. Keras calls it."""
        # `fit` also calls it before its first epoch.
        if self._begun:
            self.set_epoch(self._epoch + 1)

    def __iter__(self) -> Iterator[Batch]:
        self.on_epoch_begin()
        yield from super().__iter__()

    def limit(self, batches: int) -> None:
        """Ends each epoch after a number of batches.

        Args:
            batches: Int, from 1 to the number of batches of an epoch.
        """
        expected = f"an integer from 1 to {len(self)}, the batches of an epoch"
        self._limit = checks.integer("batches", batches, 1, expected, high=len(self))

    def __len__(self) -> int:
        """Number of batches of an epoch."""
        if self._limit is not None:
            return self._limit
        full, rest = divmod(self.num_samples, self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __getitem__(self, index: int) -> Batch:
        """Returns a batch of this epoch."""
        if not checks.is_integer(index) or not 0 <= index < len(self):
            raise IndexError(
                f"The index of a batch must be from 0 to {len(self) - 1}. "
                f"Received: {index!r}"
            )
        for ahead in range(index, min(index + 1 + AHEAD, len(self))):
            self.begin(self.indices_of(ahead))
        return self.batch(self.indices_of(index))

    def indices_of(self, index: int) -> npt.NDArray[np.int64]:
        """Returns the samples of a batch of this epoch, `(batch,)`."""
        first = index * self.batch_size
        return self.order()[first : first + self.batch_size]

    def begin(self, indices: npt.NDArray[Any]) -> None:
        """Starts to read the samples at `indices`, if the data set can read ahead."""

    def batch(self, indices: npt.NDArray[Any]) -> Batch:
        """Returns the samples at `indices`, without regard to the order of the epoch.

        Args:
            indices: Integer array of shape `(batch,)`.

        Returns:
            `images` or `(images, labels)`, arrays of shape `(batch, ...)`.
        """
        raise NotImplementedError

    def all_labels(self) -> npt.NDArray[Any]:
        """Returns the label of each sample, without reading the images.

        Returns:
            Integer array of shape `(samples,)`.

        Raises:
            ValueError: If the data set has no labels.
        """
        raise ValueError(f"This {type(self).__name__} has no labels.")

    def can_read(self, index: int) -> bool:
        """Whether sample `index` can be read, so that no other one replaces it."""
        return True

    def order(self) -> npt.NDArray[np.int64]:
        """Returns the indices of all samples in the order of this epoch.

        Returns:
            Int64 array of shape `(samples,)`.
        """
        if self._order is None:
            self._order = (
                # The 0 separates this random stream from those of the samples.
                np.random.default_rng([self.seed, self._epoch, 0]).permutation(
                    self.num_samples
                )
                if self.shuffle
                else np.arange(self.num_samples)
            )
        return self._order

    def sample_rng(self, index: int) -> np.random.Generator:
        """Returns a generator that depends on the seed, the epoch and the sample."""
        return np.random.default_rng([self.seed, self._epoch, 1 + int(index)])


def check_dataset(value: Any) -> EpochDataset:
    """Returns `value` if it is an `EpochDataset`, as the argument `dataset`."""
    expected = "a keras_mra.datasets.EpochDataset, such as an ArrayDataset"
    found: EpochDataset = checks.instance("dataset", value, EpochDataset, expected)
    return found
