"""Whatever users train on, as one stream of batches that Keras' `fit` takes."""

import copy
import dataclasses
import itertools
import sys
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra import datasets

EXPECTED = (
    "an array of images, a pair of images and labels, a `tf.data.Dataset`, a "
    "`keras.utils.PyDataset`, a grain data set or loader, a torch `DataLoader`, or a "
    f"data name ({', '.join(datasets.GRAMMAR)})"
)


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """Batches to train on.

    Attributes:
        batches: What `fit` takes.
        image_shape: `(height, width, channels)` of the images.
        batch_size: Int, images in the first batch.
        steps_per_epoch: Int, for the schedule.
        fit_steps: Int or `None`, for `fit`: `None` where `batches` end by themselves.
        first_images: NumPy array, the images of the first batch.
        cropped: Whether the source crops at random already.
        name: What the data are called in a model card.
    """

    batches: Any
    image_shape: tuple
    batch_size: int
    steps_per_epoch: int
    fit_steps: int | None
    first_images: np.ndarray
    cropped: bool
    name: str


def training_data(
    ds, batch_size, image_shape, steps_per_epoch, seed, cache_side=None,
    crops_per_image=1, crop_scale=(0.2, 1.0), crop="random", default_side=224,
):  # fmt: skip
    """Makes `TrainingData` of whatever kind `ds` is.

    Args:
        ds: See `EXPECTED`; with or without labels. Streams come in batches.
        batch_size: Int or `None`; `None` is 256 for arrays and names, and must stay
            `None` for streams, which have their own.
        image_shape: `(height, width, channels)` or `None`, for data names.
        steps_per_epoch: Int or `None`; `None` is one pass over `ds`.
        seed: Int, for the order of arrays and the crops of named data.
        cache_side, crops_per_image, crop_scale, crop, default_side: As in
            `keras_mra.datasets.load`.

    Raises:
        ValueError: If `ds` is of no such kind, empty, or its images are bad.
    """
    name = type(ds).__name__
    if batch_size is not None:
        batch_size = checks.positive_int("batch_size", batch_size)
    if isinstance(ds, str):
        name = ds
        ds = datasets.load(
            ds,
            image_shape=image_shape,
            batch_size=batch_size,
            crop=crop,
            crop_scale=crop_scale,
            default_side=default_side,
            crops_per_image=crops_per_image,
            cache_side=cache_side,
            seed=seed,
        ).train
        batch_size = batch_size if isinstance(ds, tuple) else None
    if _is_array(ds):
        ds = (ds,)
    if isinstance(ds, (tuple, list)):
        batches = _from_arrays(ds, batch_size, seed)
    else:
        if not _is_stream(ds):
            raise ValueError(
                f"`ds` must be {EXPECTED}. Received: ds of type {type(ds).__name__}"
            )
        if batch_size is not None:
            raise ValueError(
                "`batch_size` must be None for a stream, which comes in batches. "
                f"Received: batch_size={batch_size} and ds of type {name}"
            )
        batches = _with_tuples(ds)
    first = _first_images(batches, name)
    fit_steps = steps_per_epoch
    if steps_per_epoch is None:
        steps_per_epoch = _count_batches(batches)
    elif isinstance(batches, datasets.EpochDataset):
        # A shorter epoch of its own, so that resuming finds the same batches.
        batches.limit(checks.positive_int("steps_per_epoch", steps_per_epoch))
        fit_steps = None
    return TrainingData(
        batches=batches,
        image_shape=first.shape[1:],
        batch_size=len(first),
        steps_per_epoch=checks.positive_int("steps_per_epoch", steps_per_epoch),
        fit_steps=fit_steps,
        first_images=first,
        cropped=getattr(batches, "crop", None) == "random",
        name=name,
    )


def _from_arrays(arrays, batch_size, seed):
    if len(arrays) not in (1, 2) or not all(_is_array(a) for a in arrays):
        raise ValueError(
            f"`ds` must be {EXPECTED}. Received: a {type(arrays).__name__} of "
            f"{len(arrays)}: {[type(a).__name__ for a in arrays]}"
        )
    images, *labels = (ops.convert_to_numpy(array) for array in arrays)
    if len(images) == 0:
        raise ValueError("`ds` must not be empty. Received: no images")
    return datasets.ArrayDataset(
        images,
        labels[0] if labels else None,
        batch_size=batch_size or min(256, len(images)),
        seed=seed,
    )


def _is_array(x):
    return hasattr(x, "shape") and hasattr(x, "dtype") and hasattr(x, "__array__")


def _is_stream(ds):
    if isinstance(ds, keras.utils.PyDataset):
        return True
    # A data set of a library that was never imported is none of its.
    known = [
        ("tensorflow", ("data.Dataset", "distribute.DistributedDataset")),
        ("grain", ("MapDataset", "IterDataset", "DataLoader")),
        ("torch", ("utils.data.DataLoader",)),
    ]
    for module, names in known:
        for name in names:
            kind = sys.modules.get(module)
            for part in name.split("."):
                kind = getattr(kind, part, None)
            if isinstance(kind, type) and isinstance(ds, kind):
                return True
    return False


def _with_tuples(ds):
    """The stream itself; a torch `DataLoader` gives tuples even of images alone.

    Keras feeds TensorFlow from such loaders only if their batches are sequences.
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(ds, torch.utils.data.DataLoader):
        return ds
    loader = copy.copy(ds)
    loader.collate_fn = _Tuples(ds.collate_fn)
    return loader


@dataclasses.dataclass(frozen=True)
class _Tuples:
    """Picklable, for loaders with worker processes."""

    collate: Any

    def __call__(self, samples):
        batch = self.collate(samples)
        return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def _first_images(batches, name):
    if isinstance(batches, keras.utils.PyDataset):
        batch = batches[0] if len(batches) else None
    else:
        batch = next(iter(batches), None)
    if batch is None:
        raise ValueError("`ds` must not be empty. Received: no batch")
    images = batch[0] if isinstance(batch, (tuple, list)) else batch
    if not _is_array(images):
        raise ValueError(
            "The batches of `ds` must be images or pairs of images and labels. "
            f"Received: a batch of type {type(batch).__name__}"
        )
    images = np.asarray(images)
    checks.pixel_dtype(images, "ds")
    if images.ndim == 4 and images.shape[1] in (1, 3, 4) and images.shape[3] > 4:
        raise ValueError(
            "`ds` must give images with channels last, (batch, height, width, "
            f"channels). Received: shape {images.shape} from {name}, which looks like "
            "channels first."
        )
    if images.ndim != 4:
        raise ValueError(
            "`ds` must give images of rank 4, (batch, height, width, channels). "
            f"Received: shape {images.shape} from {name}"
        )
    return images


def _count_batches(batches):
    """Batches in one pass; streams that do not know are counted by one pass."""
    try:
        count = len(batches)
    except TypeError:  # tf.data says -1 where there is no end, -2 where it cannot tell
        count = int(batches.cardinality()) if hasattr(batches, "cardinality") else -2
    # grain's `repeat()` has the length of the largest integer.
    if count == -1 or count >= sys.maxsize:
        raise ValueError(
            "`steps_per_epoch` must be given for a stream without end. "
            "Received: steps_per_epoch=None"
        )
    if count >= 0:
        return count
    return sum(1 for _ in itertools.chain(batches))
