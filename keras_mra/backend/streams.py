"""Recognition of streams of batches: of Keras, `tf.data`, grain or PyTorch."""

import copy
import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import keras

STREAMS = {
    "tensorflow": ("data.Dataset", "distribute.DistributedDataset"),
    "grain": ("MapDataset", "IterDataset", "DataLoader"),
    "torch": ("utils.data.DataLoader",),
}


def is_stream(ds: Any) -> bool:
    """Returns whether `ds` gives batches to `fit` one after another."""
    if isinstance(ds, keras.utils.PyDataset):
        return True
    return any(_is_instance(ds, m, n) for m, names in STREAMS.items() for n in names)


def with_tuples(ds: Any) -> Any:
    """Returns the stream `ds`; a PyTorch `DataLoader` is changed to give tuples.

    Keras feeds TensorFlow from a `DataLoader` only if its batches are sequences.
    """
    if not _is_instance(ds, "torch", "utils.data.DataLoader"):
        return ds
    loader = copy.copy(ds)
    loader.collate_fn = _Tuples(ds.collate_fn)
    return loader


def _is_instance(ds: Any, module: str, name: str) -> bool:
    # If a library was never imported, no data set is one of the library's.
    kind: Any = sys.modules.get(module)
    for part in name.split("."):
        kind = getattr(kind, part, None)
    return isinstance(kind, type) and isinstance(ds, kind)


@dataclasses.dataclass(frozen=True)
class _Tuples:
    """A `collate_fn` that returns tuples; loaders with worker processes pickle it."""

    collate: Callable[[Any], Any]

    def __call__(self, samples: Any) -> tuple[Any, ...]:
        batch = self.collate(samples)
        return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
