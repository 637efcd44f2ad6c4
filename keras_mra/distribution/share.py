"""The part of each batch that one process has to bring."""

from typing import Any

import keras

from keras_mra.datasets.epoch_dataset import AHEAD
from keras_mra.datasets.epoch_dataset import EpochDataset
from keras_mra.distribution.engine import engine
from keras_mra.distribution.replicas import replicas


def share(batches: Any, batch_size: int) -> tuple[Any, int]:
    """Returns the part of a stream of batches that this process has to bring.

    A `PyDataset` gives each process its rows of every batch. TensorFlow's strategies
    and `keras.distribution` cut other streams. On PyTorch, another stream must be the
    share of its process already, as a `DistributedSampler` makes it.

    Args:
        batches: Data for `fit`.
        batch_size: Int, the number of images in a batch of `batches`.

    Returns:
        A pair of the batches for `fit` in this process, and the number of images in a
        global batch.

    Raises:
        ValueError: If the replicas cannot share a batch evenly.
    """
    rank, processes = engine.rank_and_count()
    by_rows = isinstance(batches, keras.utils.PyDataset)
    if engine.STREAMS_ARE_SHARES and not by_rows:
        return batches, batch_size * processes
    if batch_size % replicas():
        raise ValueError(
            "`batch_size` must be divisible by the number of devices that share a "
            f"batch. Received: batch_size={batch_size} for {replicas()} devices."
        )
    if isinstance(batches, EpochDataset):
        last = len(batches.indices_of(len(batches) - 1))
        if last % replicas():
            raise ValueError(
                "The last batch must be divisible by the number of devices that share "
                "it, or be dropped (`drop_last=True`). Received: a last batch of "
                f"{last} images for {replicas()} devices."
            )
    if by_rows and processes > 1:
        batches = Share(batches, rank, processes)
        if keras.distribution.distribution() is not None:
            keras.distribution.distribution().auto_shard_dataset = False
    return batches, batch_size


class Share(keras.utils.PyDataset):
    """The rows of one process, of every batch of a `PyDataset`.

    Args:
        dataset: `keras.utils.PyDataset` of arrays, or of nested structures of them.
        rank: Int, the index of the process.
        processes: Int, the number of processes.

    Raises:
        ValueError: If a batch cannot be shared evenly; raised when the batch is read.

    Example:

    ```python
    dataset = keras_mra.datasets.ArrayDataset(images, batch_size=4, shuffle=False)
    share = keras_mra.distribution.Share(dataset, rank=1, processes=2)
    np.testing.assert_array_equal(share[0], images[2:4])
    ```
    """

    def __init__(self, dataset: Any, rank: int, processes: int) -> None:
        super().__init__(
            dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size
        )
        self.dataset = dataset
        self.rank = rank
        self.processes = processes

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.dataset, EpochDataset):
            # Rows of other processes are neither read nor decoded.
            for ahead in range(index, min(index + 1 + AHEAD, len(self))):
                indices = self.dataset.indices_of(ahead)
                if len(indices) % self.processes == 0:  # Else refused when it is read.
                    self.dataset.begin(self._rows(indices))
            return self.dataset.batch(self._rows(self.dataset.indices_of(index)))
        return keras.tree.map_structure(self._rows, self.dataset[index])

    def _rows(self, batch: Any) -> Any:
        size, rest = divmod(len(batch), self.processes)
        if rest:
            raise ValueError(
                f"A batch of {len(batch)} images cannot be shared evenly by "
                f"{self.processes} processes: drop the last batch or change its size."
            )
        return batch[self.rank * size : (self.rank + 1) * size]

    def on_epoch_begin(self) -> None:
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.dataset.on_epoch_end()
