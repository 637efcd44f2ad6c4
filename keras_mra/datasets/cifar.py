"""CIFAR-10 and CIFAR-100, from the cache of Keras or by its download."""

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra.datasets.connection_timeout import connection_timeout
from keras_mra.datasets.dataset import Split
from keras_mra.datasets.dataset_unavailable import DatasetUnavailable

# In the order of the labels, which is alphabetical.
CLASS_NAMES: dict[str, tuple[str, ...]] = {
    "cifar10": tuple(
        "airplane automobile bird cat deer dog frog horse ship truck".split()
    ),
    "cifar100": tuple(
        """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy
        bridge bus butterfly camel can castle caterpillar cattle chair chimpanzee clock
        cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
        forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion
        lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange
        orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
        possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper
        snail snake spider squirrel streetcar sunflower sweet_pepper table tank
        telephone television tiger tractor train trout tulip turtle wardrobe whale
        willow_tree wolf woman worm""".split()
    ),
}


def load_cifar(name: str) -> tuple[Split, Split, str]:
    """Reads CIFAR-10 or CIFAR-100 as `keras.datasets` does, which keeps its download.

    Args:
        name: `"cifar10"` or `"cifar100"`, with the hundred fine labels.

    Returns:
        `(train, test, source)`. `train` and `test` are pairs of uint8 images of shape
        `(samples, 32, 32, 3)` and int32 labels of shape `(samples,)`.

    Raises:
        DatasetUnavailable: If the data are neither in the cache of Keras nor
            downloadable, or damaged.
    """
    module = importlib.import_module(f"keras.datasets.{name}")
    try:
        with connection_timeout():
            data = module.load_data()
        train, test = (
            _checked(images, labels, len(CLASS_NAMES[name])) for images, labels in data
        )
    except Exception as error:  # `keras.utils.get_file` raises a plain `Exception`.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DatasetUnavailable(
            f"{name} was not found. Tried: the cache and the download of "
            f"keras.datasets.{name} ({reason})"
        ) from error
    return train, test, f"keras.datasets.{name}"


def _checked(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[Any], count: int
) -> Split:
    labels = labels.reshape(-1)  # (samples,); Keras returns (samples, 1)
    # Keras stores the axes as its configured format asks for.
    if images.shape[1:] == (3, 32, 32):
        images = images.transpose(0, 2, 3, 1)  # (samples, 32, 32, 3)
    fits = images.shape[1:] == (32, 32, 3) and len(labels) == len(images) > 0
    if not fits or labels.max() >= count:
        raise ValueError(
            f"the data must be 32x32 colour images with a label from 0 to {count - 1} "
            f"for each. Received: images of shape {images.shape}, labels of shape "
            f"{labels.shape}"
        )
    return np.ascontiguousarray(images), labels.astype("int32")
