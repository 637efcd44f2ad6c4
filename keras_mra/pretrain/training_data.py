"""`TrainingData`: arrays, streams and named data as batches for Keras' `fit`."""

import dataclasses
import hashlib
import sys
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import datasets
from keras_mra.datasets import Subset
from keras_mra.datasets.held_out import evenly_spaced
from keras_mra.datasets.held_out import held_out_count
from keras_mra.pretrain.data_request import DataRequest
from keras_mra.pretrain.default_recipe import default_batch_size
from keras_mra.typing import ImageShape

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
        steps_per_epoch: Int, for the learning-rate schedule.
        fit_steps: Int, for `fit`, or `None` where each epoch of `batches` ends.
        first_images: NumPy array, the images of the first batch.
        cropped: Bool, whether the source crops at random already.
        image_library: String, what the source makes its random crops with, or `None`
            where there is no choice.
        held_out: Int, the images of the source that are not trained on.
        name: String, the name of the data in a model card.
        digest: String that tells the caller's arrays apart, or `None` for other data.
    """

    batches: Any
    image_shape: ImageShape
    batch_size: int
    steps_per_epoch: int
    fit_steps: int | None
    first_images: np.ndarray[Any, Any]
    cropped: bool
    image_library: str | None
    held_out: int
    name: str
    digest: str | None


def training_data(request: DataRequest, default_side: int = 224) -> TrainingData:
    """Opens data of any kind that `EXPECTED` lists.

    Args:
        request: The data, and how to read them.
        default_side: Int, the side of the images of a folder whose files have several
            sizes, if `request` has no `image_shape`.

    Raises:
        ValueError: If the data are of another kind or empty, or the first batch is bad.
    """
    name, ds, batch_size = type(request.ds).__name__, request.ds, request.batch_size
    source, is_named, held_out = ds, isinstance(ds, str), 0
    if isinstance(ds, str):
        name = ds
        loaded = datasets.load(
            ds,
            image_shape=request.image_shape,
            batch_size=batch_size,
            crop=request.crop,
            crop_scale=request.crop_scale,
            crops_per_image=request.crops_per_image,
            cache_side=request.cache_side,
            image_library=request.image_library,
            max_megapixels=request.max_megapixels,
            default_side=default_side,
            seed=request.seed or 0,
        )
        if loaded.in_memory:
            request.refuse_options_of_files(
                "crops_per_image", "cache_side", "image_library"
            )
        ds, batch_size = loaded.train, batch_size if loaded.in_memory else None
        source = ds
        if loaded.test is None:
            held_out = held_out_count(ds.num_images, request.held_out)
            ds = _without(ds, held_out, request)
    digest = None
    if _is_array(ds):
        ds = (ds,)
    if isinstance(ds, (tuple, list)):
        batches = _from_arrays(ds, batch_size, request.seed or 0)
        if not is_named:
            digest = _digest(ops.convert_to_numpy(ds[0]))
    else:
        if not backend.is_stream(ds):
            raise ValueError(
                f"`ds` must be {EXPECTED}. Received: ds of type {type(ds).__name__}"
            )
        if batch_size is not None:
            raise ValueError(
                "`batch_size` must be None for a stream, which comes in batches. "
                f"Received: batch_size={batch_size} and ds of type {name}"
            )
        batches = backend.with_tuples(ds)
    chooses = is_named or isinstance(ds, (tuple, list))
    if chooses and request.batch_size is None:
        batches.batch_size = default_batch_size(batches.num_samples)
    first = _first_images(batches, name)
    steps = fit_steps = request.steps_per_epoch
    if steps is None:
        steps = checks.positive_int("steps_per_epoch", _count_batches(batches))
    elif isinstance(batches, datasets.EpochDataset):
        # The data set ends its epochs early, so that a resumed run finds the batches
        # of the epoch that was not done.
        batches.limit(steps)
        fit_steps = None
    return TrainingData(
        batches=batches,
        image_shape=first.shape[1:],
        batch_size=len(first),
        steps_per_epoch=steps,
        fit_steps=fit_steps,
        first_images=first,
        cropped=getattr(source, "crop", None) == "random",
        image_library=getattr(source, "image_library", None),
        held_out=held_out,
        name=name,
        digest=digest,
    )


def _without(files: Any, held_out: int, request: DataRequest) -> datasets.EpochDataset:
    """All crops of the images that are not held out."""
    if not held_out:
        return files
    kept = np.ones(files.num_images, bool)
    kept[evenly_spaced(files.num_images, held_out)] = False
    files.leave_out(np.flatnonzero(~kept))
    samples = np.flatnonzero(np.repeat(kept, files.crops_per_image))
    batch_size = request.batch_size or min(files.batch_size, len(samples))
    return Subset(files, samples, batch_size, seed=request.seed or 0)


def _from_arrays(
    arrays: Sequence[Any], batch_size: int | None, seed: int
) -> datasets.ArrayDataset:
    if len(arrays) not in (1, 2) or not all(_is_array(a) for a in arrays):
        raise ValueError(
            f"`ds` must be {EXPECTED}. Received: a {type(arrays).__name__} of "
            f"{len(arrays)}: {[type(a).__name__ for a in arrays]}"
        )
    images, *labels = (ops.convert_to_numpy(array) for array in arrays)
    if images.ndim == 0:
        raise ValueError(f"`ds` must be {EXPECTED}. Received: an array of shape ()")
    if len(images) == 0:
        raise ValueError("`ds` must not be empty. Received: no images")
    return datasets.ArrayDataset(
        images,
        labels[0] if labels else None,
        batch_size=batch_size,
        seed=seed,
    )


def _digest(images: np.ndarray[Any, Any]) -> str:
    """Tells arrays apart by their shape, their dtype and some of their images."""
    some = np.unique(np.linspace(0, len(images) - 1, 64).astype(int))
    digest = hashlib.sha256(f"{images.shape} {images.dtype}".encode())
    digest.update(np.ascontiguousarray(images[some]).tobytes())
    return digest.hexdigest()[:16]


def _is_array(x: Any) -> bool:
    return hasattr(x, "shape") and hasattr(x, "dtype") and hasattr(x, "__array__")


def _first_images(batches: Any, name: str) -> np.ndarray[Any, Any]:
    """The images of the first batch, if it holds images with channels last."""
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
    if images.ndim == 4 and (found := checks.order_of_axes(images.shape)):
        raise ValueError(
            "`ds` must give images of shape (batch, height, width, channels). "
            f"Received: shape {images.shape} from {name}{found}."
        )
    if images.ndim != 4:
        raise ValueError(
            "`ds` must give images of rank 4, (batch, height, width, channels). "
            f"Received: shape {images.shape} from {name}"
        )
    return images


def _count_batches(batches: Any) -> int:
    """The batches in one pass, counted by a pass if the stream does not know."""
    try:
        count = len(batches)
    except TypeError:  # In tf.data, -1 means infinite and -2 means unknown.
        count = int(batches.cardinality()) if hasattr(batches, "cardinality") else -2
    # The length of grain's `repeat()` is the largest integer.
    if count == -1 or count >= sys.maxsize:
        raise ValueError(
            "`steps_per_epoch` must be given for a stream without end. "
            "Received: steps_per_epoch=None"
        )
    if count >= 0:
        return count
    return sum(1 for _ in batches)
