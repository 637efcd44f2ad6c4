"""The part of each batch that a process has to bring."""

import keras

from keras_mra.datasets.epoch_dataset import EpochDataset
from keras_mra.distribution.processes import rank_and_count
from keras_mra.distribution.processes import replicas


def share(batches, batch_size):
    """The part of a stream of batches that this process has to bring.

    A `PyDataset`, that is also an array or a data name, gives each process its rows of
    every batch; TensorFlow's strategies cut theirs themselves. Other streams of a
    PyTorch process must be its share already, as a `DistributedSampler` makes it.

    Args:
        batches: What `fit` takes.
        batch_size: Int, images in a batch of `batches`.

    Returns:
        The batches for this process's `fit`, and the images in a global batch.

    Raises:
        ValueError: If the replicas cannot share a batch evenly.
    """
    rank, processes = rank_and_count()
    own = isinstance(batches, keras.utils.PyDataset)
    if keras.backend.backend() == "torch" and not own:
        return batches, batch_size * processes
    if batch_size % replicas():
        raise ValueError(
            "`batch_size` must be divisible by the number of devices that share a "
            f"batch. Received: batch_size={batch_size} for {replicas()} devices."
        )
    if own and processes > 1:
        batches = Share(batches, rank, processes)
        if keras.distribution.distribution() is not None:
            keras.distribution.distribution().auto_shard_dataset = False
    return batches, batch_size


class Share(keras.utils.PyDataset):
    """Of every batch of a `PyDataset`, the rows of one process.

    Args:
        dataset: `keras.utils.PyDataset`.
        rank: Int, the process.
        processes: Int, how many there are.
    """

    def __init__(self, dataset, rank, processes):
        super().__init__(
            dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size
        )
        self.dataset = dataset
        self.rank = rank
        self.processes = processes

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        if isinstance(self.dataset, EpochDataset):
            # Nothing is read or decoded that belongs to others.
            first = index * self.dataset.batch_size
            indices = self.dataset.order()[first : first + self.dataset.batch_size]
            return self.dataset.batch(self._rows(indices))
        return keras.tree.map_structure(self._rows, self.dataset[index])

    def _rows(self, batch):
        size, rest = divmod(len(batch), self.processes)
        if rest:
            raise ValueError(
                f"A batch of {len(batch)} images cannot be shared evenly by "
                f"{self.processes} processes: drop the last batch or change its size."
            )
        return batch[self.rank * size : (self.rank + 1) * size]

    def on_epoch_begin(self):
        self.dataset.on_epoch_begin()

    def on_epoch_end(self):
        self.dataset.on_epoch_end()
