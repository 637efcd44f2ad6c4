"""One grammar of data names, for Python and the command line."""

import dataclasses
import pathlib
from typing import Any

from keras_mra import checks
from keras_mra.datasets import crops
from keras_mra.datasets import digits
from keras_mra.datasets import fashion_mnist
from keras_mra.datasets import folder_dataset as folders
from keras_mra.datasets import tfds_dataset as tfds
from keras_mra.datasets.folder_dataset import FolderDataset

GRAMMAR = ("fashion_mnist", "digits", "folder:PATH", "tfds:NAME")
# Where files have many sizes and none is asked for: the papers' images.
DEFAULT_SIDE = 224
_HEADERS_READ = 64


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Images, split for training and testing.

    Attributes:
        train: A pair of arrays, images (uint8, `(samples, height, width, channels)`)
            and labels (int32), or a `keras.utils.PyDataset` of batches.
        test: Likewise, or `None`.
        class_names: Tuple of strings, or `None` where there are no labels.
        image_shape: `(height, width, channels)`.
        name: The name it was loaded by.
        source: Where it was found.
    """

    train: Any
    test: Any
    class_names: tuple | None
    image_shape: tuple
    name: str
    source: str

    @property
    def in_memory(self):
        """Whether `train` is a pair of arrays."""
        return isinstance(self.train, tuple)


def load(
    name,
    *,
    image_shape=None,
    batch_size=None,
    crop="random",
    crop_scale=(0.2, 1.0),
    crops_per_image=1,
    cache_side=None,
    default_side=DEFAULT_SIDE,
    seed=0,
):
    """Loads a data set by name.

    Args:
        name: `"fashion_mnist"`, `"digits"`, `"folder:PATH"` (sub-folders `train` and
            `test`, where both are there, are the splits) or `"tfds:NAME"` (the name as
            TFDS writes it, `name/config:version`).
        image_shape: `(height, width, channels)`, or `None` for the data's own: that
            of the files if they agree on one of at most 224 pixels, else a square of
            `default_side`; in colour, or in gray where all are gray.
        batch_size: Int, batch of a streamed set, or `None` for 256, or all of it if
            that is less. This and the arguments below do nothing to sets in memory.
        crop: `"random"` or `"center"`, the crops of a streamed training set; those
            of a test set are `"center"`.
        crop_scale: Pair of floats in (0, 1], the share of the area of a random crop.
        crops_per_image: Int, crops of each training image in one epoch.
        default_side: Int, see `image_shape`.
        cache_side: Int or `None`; an int keeps decoded images in memory, with a short
            side of at most that many pixels.
        seed: Int, at least 0.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: If the name is none of the grammar.
        DatasetUnavailable: If the data are not to be had.

    Example:

    >>> data = keras_mra.datasets.load("fashion_mnist")
    >>> images, labels = data.train
    """
    kind, _, rest = str(name).partition(":")
    known = name in GRAMMAR[:2] or (kind in ("folder", "tfds") and rest)
    if not isinstance(name, str) or not known:
        raise ValueError(
            f"The name of a data set must be one of {', '.join(GRAMMAR)}. "
            f"Received: {name!r}"
        )
    if image_shape is not None:
        image_shape = checks.image_shape(image_shape)
        crops.check_channels(image_shape)
    if name == "fashion_mnist":
        found = fashion_mnist.load_fashion_mnist()
        return _in_memory(name, found, fashion_mnist.CLASS_NAMES, image_shape)
    if name == "digits":
        return _in_memory(name, digits.load_digits(), digits.CLASS_NAMES, image_shape)
    training = {
        "crop": crop,
        "crop_scale": crop_scale,
        "crops_per_image": crops_per_image,
        "cache_side": cache_side,
        "seed": seed,
    }
    if kind == "folder":
        return _folder(name, rest, image_shape, default_side, batch_size, training)
    return _tfds(name, rest, image_shape, default_side, batch_size, training)


# How a test set is read: every image once, in order.
_TESTING = {"crop": "center", "shuffle": False, "drop_last": False}


def _in_memory(name, found, class_names, image_shape):
    (train_images, train_labels), (test_images, test_labels), source = found
    if image_shape is None:
        image_shape = train_images.shape[1:]
    return Dataset(
        train=(crops.resize_images(train_images, image_shape), train_labels),
        test=(crops.resize_images(test_images, image_shape), test_labels),
        class_names=class_names,
        image_shape=image_shape,
        name=name,
        source=source,
    )


def _folder(name, path, image_shape, default_side, batch_size, training):
    root = pathlib.Path(path).expanduser()
    splits = [root / "train", root / "test"]
    if not all(split.is_dir() for split in splits):
        splits = [root]
    paths = folders.find_images(splits[0])
    inside = folders.first_level_folders(splits[0], paths)
    # An image outside every sub-folder has no class, so that none are assumed.
    class_names = None if None in inside else folders.class_names_of(inside)
    image_shape = image_shape or _shape_of_files(paths, default_side)
    labels = {"labels": class_names is not None, "class_names": class_names}
    return Dataset(
        train=FolderDataset(splits[0], image_shape, batch_size, **labels, **training),
        test=(
            FolderDataset(splits[1], image_shape, batch_size, **labels, **_TESTING)
            if len(splits) == 2
            else None
        ),
        class_names=None if class_names is None else tuple(class_names),
        image_shape=image_shape,
        name=name,
        source=str(root),
    )


def _shape_of_files(paths, default_side):
    """The shape that the first files share, from their headers."""
    from PIL import Image

    sizes, modes = set(), set()
    for path in paths[:_HEADERS_READ]:
        try:
            with Image.open(path) as image:
                sizes.add(image.size)
                modes.add(image.mode)
        except Exception:  # Reported when training comes to it.
            continue
    width, height = sizes.pop() if len(sizes) == 1 else (default_side,) * 2
    if max(width, height) > DEFAULT_SIDE:
        width = height = default_side
    gray = modes and modes <= {"1", "L", "LA", "I", "I;16", "F"}
    return (height, width, 1 if gray else 3)


def _tfds(name, rest, image_shape, default_side, batch_size, training):
    train, test, image_key, label_key, info = tfds.open_tfds(rest)
    if image_shape is None:
        height, width, channels = info.features[image_key].shape
        fixed = height and width
        image_shape = (
            height if fixed else default_side,
            width if fixed else default_side,
            channels or 3,
        )
    keys = {
        "image_key": image_key,
        "label_key": label_key,
        "image_shape": image_shape,
        "batch_size": batch_size,
    }
    read = tfds.TfdsImages
    return Dataset(
        train=read(**train, **keys, **training),
        test=read(**test, **keys, **_TESTING) if test is not None else None,
        class_names=(
            None if label_key is None else tuple(info.features[label_key].names)
        ),
        image_shape=image_shape,
        name=name,
        source=str(info.full_name),
    )
