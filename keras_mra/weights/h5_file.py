"""Tensors of an HDF5 file, whose headers are checked before any value is read.

HDF5 can compress, fill missing values in, and link to other files, so that a small file
takes much memory or reads a file of the user. Keras writes none of these.
"""

import pathlib
from typing import Any

import numpy as np

from keras_mra.weights import verify
from keras_mra.weights.name_table import NumpyArray
from keras_mra.weights.name_table import Shape

# The deepest MAE has 7,000.
MOST_OBJECTS = 50_000
# Keras' have 80 characters. Nested groups repeat the names of those around them.
LONGEST_NAME = 512


class H5File:
    """The tensors of an HDF5 file of weights, read one by one.

    Args:
        path: The file.

    Attributes:
        path: As above.
        shapes: Dict from the names of all tensors to their shapes.
        dtypes: Dict from the names to NumPy's names of the dtypes.

    Raises:
        ValueError: If the file is damaged, or declares a tensor whose values it does
            not hold as they are.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.shapes: dict[str, Shape] = {}
        self.dtypes: dict[str, str] = {}
        h5py = _h5py()
        try:
            with h5py.File(path, "r") as file:
                datasets = _datasets(path, file)
                # Tensors that share their place would each take memory of their own.
                verify.check_bytes(path, sum(d.nbytes for d in datasets.values()))
                for name, dataset in datasets.items():
                    self.shapes[name] = tuple(dataset.shape)
                    self.dtypes[name] = _dtype(dataset)
        except verify.Refused:
            raise
        except Exception as error:  # The library's error depends on the damage.
            raise _damaged(path) from error

    def read(self, name: str) -> NumpyArray:
        """Reads one tensor, bfloat16 as float32.

        Raises:
            ValueError: If the values cannot be read.
        """
        try:
            with _h5py().File(self.path, "r") as file:
                array = np.asarray(file[name])
        except Exception as error:  # The library's error depends on the damage.
            raise _damaged(self.path) from error
        if self.dtypes[name] == "bfloat16":
            import ml_dtypes

            array = array.view(ml_dtypes.bfloat16).astype("float32")
        return array


def _datasets(path: pathlib.Path, file: Any) -> dict[str, Any]:
    """All tensors of an open file, by name."""
    h5py = _h5py()
    found: dict[str, Any] = {}
    seen, groups = 0, [("", file)]
    while groups:
        prefix, group = groups.pop()
        for key in group:
            name, seen = prefix + key, seen + 1
            if seen > MOST_OBJECTS:  # A group that holds itself never ends.
                raise verify.Refused(
                    f"{str(path)!r} must hold at most {MOST_OBJECTS:,} tensors and "
                    "groups. Received: more"
                )
            if len(name) > LONGEST_NAME:
                raise verify.Refused(
                    f"{str(path)!r} must hold names of at most {LONGEST_NAME} "
                    f"characters. Received: {name[:32]!r}..., with {len(name):,}"
                )
            if group.get(key, getlink=True, getclass=True) is not h5py.HardLink:
                raise verify.Refused(
                    f"{str(path)!r} must hold all of its tensors. Received: {name!r}, "
                    "a link"
                )
            member = group[key]
            if isinstance(member, h5py.Group):
                groups.append((f"{name}/", member))
            else:
                _check_stored(path, name, member)
                found[name] = member
    return found


def _check_stored(path: pathlib.Path, name: str, dataset: Any) -> None:
    """Refuses a tensor whose values are not in the file, one after the other."""
    plain = (
        dataset.shape is not None
        and not dataset.external
        and not dataset.is_virtual
        and dataset.id.get_create_plist().get_nfilters() == 0
        and dataset.dtype.kind in "fiubcV"
        and dataset.dtype.names is None
        and dataset.id.get_storage_size() >= dataset.nbytes
    )
    if not plain:
        raise verify.Refused(
            f"{str(path)!r} must hold every value of its tensors, uncompressed, as "
            f"Keras writes them. Received: {name!r} of shape {dataset.shape}, which is "
            "compressed, filled in, or not in the file"
        )


def _dtype(dataset: Any) -> str:
    # HDF5 has no bfloat16: Keras writes two bytes and says what they are.
    if dataset.dtype == "V2" and dataset.attrs.get("dtype") == "bfloat16":
        return "bfloat16"
    return str(dataset.dtype)


def _damaged(path: pathlib.Path) -> ValueError:
    return verify.Refused(
        f"{str(path)!r} could not be loaded: it is not a whole HDF5 file of weights."
    )


def _h5py() -> Any:
    import h5py

    return h5py
