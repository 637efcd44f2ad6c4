"""Fashion-MNIST from the nearest place that has it."""

import gzip
import os
import pathlib
import socket
import warnings
import zlib

import numpy as np

from keras_mra.datasets.unavailable import DatasetUnavailable

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
CONNECTION_TIMEOUT = 20  # seconds


def load_fashion_mnist():
    """Reads Fashion-MNIST: Keras' cache, Debian's folder, the network.

    Returns:
        `(train, test, source)`; train and test are pairs of uint8 images of shape
        `(samples, 28, 28, 1)` and int32 labels.

    Raises:
        DatasetUnavailable: If none of the three has it.
    """
    tried = []
    for place in (keras_cache(), DEBIAN_FOLDER):
        try:
            return _split(place, "train"), _split(place, "t10k"), str(place)
        except FileNotFoundError:
            tried.append(f"{place} (not there)")
        except (OSError, ValueError) as error:
            warnings.warn(
                f"Fashion-MNIST in {place} is unusable: {error}", stacklevel=3
            )
            tried.append(f"{place} ({error})")
    try:
        return *_download(), "keras.datasets.fashion_mnist"
    except Exception as error:  # Whatever a network does.
        reason = " ".join(str(error).split()) or type(error).__name__
        tried.append(f"the download by keras.datasets ({reason})")
    raise DatasetUnavailable(f"Fashion-MNIST was not found. Tried: {'; '.join(tried)}")


def keras_cache():
    """Folder where `keras.datasets` keeps Fashion-MNIST."""
    home = os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras"
    return pathlib.Path(home) / "datasets" / "fashion-mnist"


def _split(place, prefix):
    images = read_idx(place / f"{prefix}-images-idx3-ubyte.gz", 3)
    labels = read_idx(place / f"{prefix}-labels-idx1-ubyte.gz", 1)
    return _checked(images, labels, place)


def _download():
    from keras.datasets import fashion_mnist

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(CONNECTION_TIMEOUT)  # A silent network must not hang us.
    try:
        train, test = fashion_mnist.load_data()
    finally:
        socket.setdefaulttimeout(before)
    (train_images, train_labels), (test_images, test_labels) = train, test
    return (
        _checked(train_images, train_labels, "the download"),
        _checked(test_images, test_labels, "the download"),
    )


def _checked(images, labels, place):
    fits = images.shape[1:] == (28, 28) and labels.shape == images.shape[:1]
    if not fits or not len(labels) or labels.max() >= len(CLASS_NAMES):
        raise ValueError(
            f"{place} must hold 28x28 images and as many labels from 0 to 9. Received: "
            f"images of shape {images.shape}, labels of shape {labels.shape}"
        )
    return images[..., None], labels.astype("int32")


def read_idx(path, rank):
    """Reads a gzipped IDX file of unsigned bytes.

    Args:
        path: Path of the file.
        rank: Int, number of axes it must have.

    Returns:
        Uint8 array.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is truncated or something else.
    """
    try:
        with gzip.open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is truncated or no gzip file: {error}") from error
    header = 4 + 4 * rank
    if data[:4] != bytes([0, 0, 8, rank]) or len(data) < header:
        raise ValueError(
            f"{path} must be an IDX file of unsigned bytes with {rank} axes. "
            f"Received: a file starting with {data[:4].hex() or 'nothing'}"
        )
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", count=rank, offset=4))
    if len(data) != header + int(np.prod(shape)):
        raise ValueError(
            f"{path} is truncated or too long: shape {shape} takes "
            f"{int(np.prod(shape))} bytes. Received: {len(data) - header} bytes"
        )
    return np.frombuffer(data, "uint8", offset=header).reshape(shape)
