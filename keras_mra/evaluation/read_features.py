"""`read_features`: the features and labels of a file that `embed_folder` wrote."""

import contextlib
import reprlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra import files
from keras_mra.evaluation.feature_batches import FeatureBatches
from keras_mra.evaluation.parquet_file import parquet
from keras_mra.typing import Path


def read_features(
    path: Path, class_names: Sequence[str] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int32] | None]:
    """Reads features and labels, as every protocol accepts them.

    The file is not trusted: it is refused if its features, or its labels,
    would take more than 32 times its length and 64 MiB.

    Args:
        path: Path or URL of a file that `embed_folder` wrote.
        class_names: Sequence of strings, the names of the classes in the order of
            their labels. `None` is the sorted names of the file. Give the same names
            for files that may not hold the same classes.

    Returns:
        Float32 array of shape `(images, dim)`, and int32 array of shape `(images,)`,
        or `None` if the file has no labels.

    Raises:
        ValueError: If the file is none of features, is damaged, holds NaN or infinite
            features or rows without a label, declares far more than its bytes can
            hold, or has a class that `class_names` lacks; or if `class_names` is no
            list of distinct strings.
        ImportError: If pyarrow, or `fsspec` or its package for a URL, is not installed.
        OSError: If the file cannot be read.

    Example:

    >>> mae = keras_mra.MAE.from_preset("mae_nano_photos")
    >>> report = keras_mra.evaluation.embed_folder(mae, "photos", "photos.parquet")
    >>> features, labels = keras_mra.evaluation.read_features("photos.parquet")
    >>> features.shape
    (3, 192)
    """
    path = files.place("path", path, "file")
    given = None if class_names is None else _checked_names(class_names)
    parquet()
    with files.opened(path) as file, _path_in_errors(path):
        batches = FeatureBatches(file)
        features = np.empty((batches.rows, batches.dim), "float32")
        codes = np.empty(batches.rows, "int64") if batches.has_labels else None
        found: dict[str, int] = {}
        row = 0
        for values, labels in batches:
            end = row + len(values)
            features[row:end] = values
            if codes is not None:
                codes[row:end] = _codes(labels, found)
            row = end
        if row != batches.rows:
            raise ValueError(f"with {row:,} of {batches.rows:,} rows")
    if codes is None:
        return features, None
    names = sorted(found) if given is None else given
    strangers = sorted(set(found) - set(names))
    if strangers:
        raise ValueError(
            "`class_names` must hold every class of the file. Received: "
            f"class_names={reprlib.repr(class_names)}, and a file with {strangers[:5]}"
        )
    places = {name: place for place, name in enumerate(names)}
    return features, np.array([places[name] for name in found], "int32")[codes]


def _codes(labels: Any, found: dict[str, int]) -> NDArray[np.int64]:
    """The number of each label in `found`, which receives the new ones."""
    # A dictionary may hold names that no row has.
    used, places = np.unique(labels.indices.to_numpy(), return_inverse=True)
    names = labels.dictionary.take(used).to_pylist()
    codes = [found.setdefault(name, len(found)) for name in names]
    numbers: NDArray[np.int64] = np.array(codes, "int64")[places]
    return numbers


def _checked_names(class_names: Any) -> list[str]:
    names = list(checks.names("class_names", class_names))
    are_strings = all(isinstance(name, str) for name in names)
    if isinstance(class_names, dict) or not are_strings or len(set(names)) < len(names):
        raise ValueError(
            "`class_names` must be a list of distinct strings. Received: class_names="
            f"{reprlib.repr(class_names)}"
        )
    return names


@contextlib.contextmanager
def _path_in_errors(path: files.Place) -> Iterator[None]:
    """Names the file in errors of what it holds."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # The file could not be read.
        raise ValueError(
            "`path` must be a file that `embed_folder` wrote. Received: "
            f"path={str(path)!r} ({error})"
        ) from error
