"""Batches of a `PyDataset` for `fit`, without the wait at the end of an epoch."""

from collections.abc import Iterator
from typing import Any

import keras


def batches_for_fit(batches: keras.utils.PyDataset) -> Any:
    """Prepares the batches of an epoch for `fit`, with `shuffle=False`.

    On TensorFlow, Keras makes an iterator for each epoch, which `tf.data` tunes in a
    thread. The end of an epoch waits for this thread, which sleeps for 10 ms, 20 ms,
    40 ms and so on. An epoch of 1.3 s took 2.5 s. Keras does not call the hooks of the
    batches then, so pass a `SetEpoch` callback to `fit`.

    Args:
        batches: `keras.utils.PyDataset` of a known length.

    Returns:
        A `tf.data.Dataset` that is not tuned on TensorFlow. Elsewhere, and with several
        workers, where Keras turns the tuning off itself, `batches`.
    """
    has_workers = batches.workers > 1 or batches.use_multiprocessing
    if keras.backend.backend() != "tensorflow" or has_workers:
        return batches
    import tensorflow as tf

    # As many as Keras looks at, so that layers with a random state draw the same.
    seen = [_as_tuple(batches[index]) for index in range(min(2, len(batches)))]
    signature = keras.tree.map_structure(
        lambda x: tf.TensorSpec((None, *x.shape[1:]), x.dtype), seen[0]
    )

    def epoch() -> Iterator[Any]:
        for index in range(len(batches)):
            yield _as_tuple(batches[index])

    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    dataset = dataset.prefetch(2).with_options(options)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))


def _as_tuple(batch: Any) -> Any:
    """A batch with the structure that Keras gives it, so that a step is traced once."""
    if isinstance(batch, (tuple, dict)):
        return batch
    return tuple(batch) if isinstance(batch, list) else (batch,)
