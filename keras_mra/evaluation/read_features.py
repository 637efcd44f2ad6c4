"""`read_features`: the features and labels of a file that `embed_folder` wrote."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from keras_mra import files
from keras_mra.evaluation.parquet_file import FEATURES
from keras_mra.evaluation.parquet_file import LABEL
from keras_mra.evaluation.parquet_file import parquet
from keras_mra.typing import Path


def read_features(
    path: Path, class_names: Sequence[str] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int32] | None]:
    """Reads features and labels, as every protocol accepts them.

    Args:
        path: Path or URL of a file that `embed_folder` wrote.
        class_names: Sequence of strings, the names of the classes in the order of
            their labels. `None` is the sorted names of the file. Give the same names
            for files that may not hold the same classes.

    Returns:
        Float32 array of shape `(images, dim)`, and int32 array of shape `(images,)`,
        or `None` if the file has no labels.

    Raises:
        ValueError: If the file is none of features, or has a class that `class_names`
            lacks.
        ImportError: If pyarrow, or `fsspec` or its package for a URL, is not installed.
        OSError: If the file cannot be read.

    Example:

    >>> mae = keras_mra.MAE.from_preset("mae_nano_photos")
    >>> report = keras_mra.evaluation.embed_folder(mae, "photos", "photos.parquet")
    >>> features, labels = keras_mra.evaluation.read_features("photos.parquet")
    >>> features.shape
    (3, 192)
    """
    import pyarrow

    path = files.place("path", path, "file")
    expected = "`path` must be a file that `embed_folder` wrote"
    reader = parquet()
    with files.opened(path) as file:
        try:
            table = reader.read_table(file)
        except pyarrow.ArrowException as error:
            raise ValueError(
                f"{expected}. Received: path={str(path)!r} ({error})"
            ) from error
    names = table.column_names
    if FEATURES not in names or not pyarrow.types.is_fixed_size_list(
        table.schema.field(FEATURES).type
    ):
        raise ValueError(
            f"{expected}. Received: path={str(path)!r}, with the columns {names}"
        )
    column = table.column(FEATURES)
    features = column.combine_chunks().flatten().to_numpy()
    features = features.reshape(len(table), column.type.list_size)
    if LABEL not in names:
        return features, None
    labels = np.asarray(table.column(LABEL).to_pylist())
    places = {
        name: place
        for place, name in enumerate(
            np.unique(labels) if class_names is None else class_names
        )
    }
    strangers = sorted(set(labels.tolist()) - set(places))
    if strangers:
        raise ValueError(
            "`class_names` must hold every class of the file. Received: "
            f"class_names={class_names!r}, and a file with {strangers[:5]}"
        )
    return features, np.array([places[label] for label in labels], "int32")
