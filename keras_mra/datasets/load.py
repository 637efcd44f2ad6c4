"""Data sets by name, for Python and the command line."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any
from typing import Literal
from typing import overload

from keras_mra import checks
from keras_mra import files
from keras_mra.datasets import cifar
from keras_mra.datasets import crops
from keras_mra.datasets import digits
from keras_mra.datasets import fashion_mnist
from keras_mra.datasets import folder_dataset as folders
from keras_mra.datasets import image_reader
from keras_mra.datasets import tfds_dataset as tfds
from keras_mra.datasets.dataset import Dataset
from keras_mra.datasets.dataset import Split
from keras_mra.datasets.find_images import find_images
from keras_mra.datasets.folder_dataset import FolderDataset
from keras_mra.datasets.held_out import evenly_spaced
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.datasets.splits_of import splits_of
from keras_mra.typing import ImageShape

ARRAYS = ("fashion_mnist", "digits", "cifar10", "cifar100")
GRAMMAR = (*ARRAYS, "folder:PATH", "tfds:NAME")
# The side of the images in the papers, for files of many sizes.
DEFAULT_SIDE = 224
_HEADERS_READ = 1000
# A test set holds every image once, in order.
_TESTING: dict[str, Any] = {"crop": "center", "shuffle": False, "drop_last": False}


@overload
def load(
    name: Literal["fashion_mnist", "digits", "cifar10", "cifar100"],
    *,
    image_shape: ImageShape | None = ...,
) -> Dataset[Split]: ...
@overload
def load(
    name: str,
    *,
    image_shape: ImageShape | None = ...,
    batch_size: int | None = ...,
    crop: str = ...,
    crop_scale: tuple[float, float] = ...,
    crops_per_image: int = ...,
    cache_side: int | None = ...,
    workers: int | None = ...,
    image_library: str | None = ...,
    max_megapixels: float = ...,
    default_side: int = ...,
    seed: int | None = ...,
) -> Dataset[Any]: ...
def load(
    name: str,
    *,
    image_shape: ImageShape | None = None,
    batch_size: int | None = None,
    crop: str = "random",
    crop_scale: tuple[float, float] = (0.2, 1.0),
    crops_per_image: int = 1,
    cache_side: int | None = None,
    workers: int | None = None,
    image_library: str | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    default_side: int = DEFAULT_SIDE,
    seed: int | None = 0,
) -> Dataset[Any]:
    """Loads a data set by name.

    `"fashion_mnist"`, `"digits"`, `"cifar10"` and `"cifar100"` are read into memory;
    the arguments from `batch_size` on do not apply to them. `"folder:PATH"` and
    `"tfds:NAME"` are streamed.

    Args:
        name: `"fashion_mnist"`, `"digits"`, `"cifar10"`, `"cifar100"`, `"folder:PATH"`
            (the sub-folders `train` and `test`, if both exist, are the splits; `val`,
            `valid` or `validation` stands in for a missing `test`) or `"tfds:NAME"`
            (the name in the form of TFDS, `name/config:version`).
        image_shape: `(height, width, channels)`, or `None` for the shape of the data.
            For files, that is the size that all of them share, if it is at most
            `default_side`; otherwise, it is a square of `default_side`. The images are
            grey if all files are grey. In folders of more than 1,000 files, 1,000 of
            them decide, spread evenly.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        crop: `"random"` or `"center"`, the crops for training. The crops for testing
            are `"center"`.
        crop_scale: Pair of floats in (0, 1], the range of the share of the image's
            area that a random crop covers.
        crops_per_image: Int, crops of each training image in one epoch.
        cache_side: Int or `None`. An int keeps the decoded images in memory, shrunk
            to a short side of at most that many pixels.
        workers: Int, threads that decode images, or `None` for the number of
            processors. The batches do not depend on it.
        image_library: `"opencv"`, `"pillow"`, or `None` for OpenCV where it is
            installed; what random crops are made with.
        max_megapixels: Float, for `folder:`: the largest pictures that are read, in
            millions of pixels.
        default_side: Int, see `image_shape`.
        seed: Int, at least 0, or `None` for a random seed.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: If the name or another argument is invalid.
        FileNotFoundError: If a folder does not exist.
        DatasetUnavailable: If the data set cannot be found or downloaded.

    Example:

    >>> data = keras_mra.datasets.load("fashion_mnist")
    >>> images, labels = data.train
    """
    kind, _, rest = str(name).partition(":")
    known = kind in ("folder", "tfds") and rest
    if not isinstance(name, str) or not (known or name in ARRAYS):
        raise ValueError(
            f"The name of a data set must be one of {', '.join(GRAMMAR)}. "
            f"Received: {name!r}"
            + (f"; a folder is named folder:{name}" if os.path.isdir(str(name)) else "")
        )
    default_side = checks.positive_int("default_side", default_side)
    seed = checks.required_seed(seed)
    if image_shape is not None:
        image_shape = checks.image_shape(image_shape)
        crops.check_channels(image_shape)
    if name == "fashion_mnist":
        found = fashion_mnist.load_fashion_mnist()
        return _arrays(name, *found, fashion_mnist.CLASS_NAMES, image_shape)
    if name in cifar.CLASS_NAMES:
        found = cifar.load_cifar(name)
        return _arrays(name, *found, cifar.CLASS_NAMES[name], image_shape)
    if name == "digits":
        return _arrays(name, *digits.load_digits(), digits.CLASS_NAMES, image_shape)
    training = {
        "crop": crop,
        "crop_scale": crop_scale,
        "crops_per_image": crops_per_image,
        "cache_side": cache_side,
        "workers": workers,
        "image_library": image_library,
        "seed": seed,
    }
    max_megapixels = checks.positive_float("max_megapixels", max_megapixels)
    if kind == "tfds":
        return _tfds(name, rest, image_shape, default_side, batch_size, training)
    both = {"max_megapixels": max_megapixels}
    return _folder(name, rest, image_shape, default_side, batch_size, training, both)


def _arrays(
    name: str,
    train: Split,
    test: Split,
    source: str,
    class_names: tuple[str, ...],
    image_shape: ImageShape | None,
) -> Dataset[Split]:
    shape = image_shape or train[0].shape[1:]
    return Dataset(
        train=(crops.resize_images(train[0], shape), train[1]),
        test=(crops.resize_images(test[0], shape), test[1]),
        class_names=class_names,
        image_shape=shape,
        name=name,
        source=source,
    )


def _folder(
    name: str,
    path: str,
    image_shape: ImageShape | None,
    default_side: int,
    batch_size: int | None,
    training: dict[str, Any],
    both: dict[str, Any],
) -> Dataset[FolderDataset]:
    if "://" in path and not path.startswith("file://"):
        raise ValueError(
            "`folder:PATH` must name a folder of this machine, not a URL. "
            f"Received: {name!r}"
        )
    root = pathlib.Path(files.place("folder:PATH", path, "folder"))
    training_root, test_root = splits_of(root)
    found = find_images(training_root)
    inside = folders.first_level_folders(found)
    # An image outside every sub-folder has no class, so the data set has no labels.
    class_names = None if None in inside else folders.class_names_of(inside)
    image_shape = image_shape or _shape_of_files(found.paths, default_side)
    both = {
        **both,
        "labels": class_names is not None,
        "class_names": class_names,
    }
    return Dataset(
        train=FolderDataset(found, image_shape, batch_size, **both, **training),
        test=(
            None
            if test_root is None
            else FolderDataset(test_root, image_shape, batch_size, **both, **_TESTING)
        ),
        class_names=None if class_names is None else tuple(class_names),
        image_shape=image_shape,
        name=name,
        source=str(root),
    )


def _shape_of_files(paths: Sequence[pathlib.Path], default_side: int) -> ImageShape:
    """Returns the shape that the files share, from their headers."""
    sizes, grays = set(), set()
    # The first files may all be of one class.
    for index in evenly_spaced(len(paths), min(_HEADERS_READ, len(paths))):
        try:
            size, is_gray = image_reader.read_header(paths[index])
        except Exception:  # `FolderDataset` reports files that cannot be read.
            continue
        sizes.add(size)
        grays.add(is_gray)
        if len(sizes) > 1 and False in grays:
            break
    width, height = sizes.pop() if len(sizes) == 1 else (default_side,) * 2
    if max(width, height) > default_side:
        width = height = default_side
    return height, width, 1 if grays == {True} else 3


def _tfds(
    name: str,
    tfds_name: str,
    image_shape: ImageShape | None,
    default_side: int,
    batch_size: int | None,
    training: dict[str, Any],
) -> Dataset[tfds.TfdsDataset]:
    train, test, image_key, label_key, info = tfds.open_tfds(tfds_name)
    if image_shape is None:
        height, width, channels = info.features[image_key].shape
        if not (height and width):
            height = width = default_side
        image_shape = (height, width, channels or 3)
    keys: dict[str, Any] = {
        "image_key": image_key,
        "label_key": label_key,
        "image_shape": image_shape,
        "batch_size": batch_size,
    }
    return Dataset(
        train=tfds.TfdsDataset(**train, **keys, **training),
        test=None if test is None else tfds.TfdsDataset(**test, **keys, **_TESTING),
        class_names=(
            None if label_key is None else tuple(info.features[label_key].names)
        ),
        image_shape=image_shape,
        name=name,
        source=str(info.full_name),
    )
