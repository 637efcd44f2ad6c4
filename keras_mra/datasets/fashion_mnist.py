"""Fashion-MNIST, from the nearest source.

`keras.datasets` does the download. It does not read the other two sources: it looks
for files in its own cache only, downloads those that are missing there, and skips the
headers of the files, so that a wrong file yields wrong images.
"""

import os
import pathlib
import warnings

import numpy as np
import numpy.typing as npt

from keras_mra.datasets.connection_timeout import connection_timeout
from keras_mra.datasets.dataset import Split
from keras_mra.datasets.dataset_unavailable import DatasetUnavailable
from keras_mra.datasets.read_idx import read_idx

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DEBIAN_FOLDER = pathlib.Path("/usr/share/datasets/fashion-mnist")


def load_fashion_mnist() -> tuple[Split, Split, str]:
    """Reads Fashion-MNIST from the cache of Keras, Debian's folder, or the network.

    Returns:
        `(train, test, source)`. `train` and `test` are pairs of uint8 images of shape
        `(samples, 28, 28, 1)` and int32 labels of shape `(samples,)`.

    Raises:
        DatasetUnavailable: If none of the three sources can be read.
    """
    tried = []
    for place in (keras_cache(), DEBIAN_FOLDER):
        try:
            return _read(place, "train"), _read(place, "t10k"), str(place)
        except FileNotFoundError:
            tried.append(f"{place} (does not exist)")
        except (OSError, ValueError) as error:
            warnings.warn(
                f"Fashion-MNIST in {place} cannot be used: {error}", stacklevel=3
            )
            tried.append(f"{place} ({error})")
    try:
        return *_download(), "keras.datasets.fashion_mnist"
    except Exception as error:  # `keras.utils.get_file` raises a plain `Exception`.
        reason = " ".join(str(error).split()) or type(error).__name__
        tried.append(f"the download by keras.datasets ({reason})")
    raise DatasetUnavailable(f"Fashion-MNIST was not found. Tried: {'; '.join(tried)}")


def keras_cache() -> pathlib.Path:
    """Returns the folder where `keras.datasets` stores Fashion-MNIST."""
    home = os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras"
    return pathlib.Path(home) / "datasets" / "fashion-mnist"


def _read(place: pathlib.Path, prefix: str) -> Split:
    images = read_idx(place / f"{prefix}-images-idx3-ubyte.gz", 3)
    labels = read_idx(place / f"{prefix}-labels-idx1-ubyte.gz", 1)
    return _checked(images, labels, str(place))


def _download() -> tuple[Split, Split]:
    from keras.datasets import fashion_mnist

    with connection_timeout():
        (train, train_labels), (test, test_labels) = fashion_mnist.load_data()
    return (
        _checked(train, train_labels, "the download"),
        _checked(test, test_labels, "the download"),
    )


def _checked(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], place: str
) -> Split:
    fits = images.shape[1:] == (28, 28) and labels.shape == images.shape[:1]
    if not fits or not len(labels) or labels.max() >= len(CLASS_NAMES):
        raise ValueError(
            f"{place} must hold 28x28 images and one label from 0 to 9 for each. "
            f"Received: images of shape {images.shape}, labels of shape {labels.shape}"
        )
    return images[..., None], labels.astype("int32")
