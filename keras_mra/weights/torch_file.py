"""Files of PyTorch: uncompressed zips with a pickle and one record for each storage."""

import collections
import pathlib
import struct
import zipfile
from typing import Any

import numpy as np

from keras_mra.weights.name_table import NumpyArray
from keras_mra.weights.name_table import Shape
from keras_mra.weights.torch_pickle import NotTensors
from keras_mra.weights.torch_pickle import Storage
from keras_mra.weights.torch_pickle import StoredTensor
from keras_mra.weights.torch_pickle import read_torch_pickle

FLOATS = ("float64", "float32", "float16", "bfloat16")
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field
_ENCRYPTED = 1


class TorchFile:
    """The tensors of a file that `torch.save` wrote, which are read one by one.

    The tensors are those of the file's `model` or `state_dict` entry, if it has one.

    Args:
        path: The file.

    Attributes:
        path: As above.

    Raises:
        ValueError: If the file is damaged, or holds other objects than tensors. No
            tensor has been read then.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._records = _records(path)
        self._folder, pickled = self._find_pickle()
        try:
            content = read_torch_pickle(pickled)
        except NotTensors as error:
            raise ValueError(
                f"{str(path)!r} must hold nothing more than tensors. Received: an "
                f"object that needs {str(error)!r}. The file was not read, because "
                "unpickling other objects can run code. Save its state dict alone, as "
                "a .safetensors file."
            ) from None
        except Exception as error:  # Damage can stop the unpickler at any point.
            raise _damaged(path, "its pickle is damaged") from error
        self._tensors = _state_dict(path, content)
        for tensor in self._tensors.values():
            self._check_record(tensor.storage)

    def shapes(self) -> dict[str, Shape]:
        """The shape of each tensor."""
        return {name: tensor.shape for name, tensor in self._tensors.items()}

    def other_kinds(self) -> dict[str, str]:
        """The tensors that are not floats, with what they are."""
        return {
            name: tensor.storage.dtype
            for name, tensor in self._tensors.items()
            if tensor.storage.dtype not in FLOATS
        }

    def read(self, name: str) -> NumpyArray:
        """Reads one tensor as a float32 array."""
        tensor = self._tensors[name]
        dtype = np.dtype(tensor.storage.dtype)  # Keras imports `ml_dtypes`.
        if 0 in tensor.shape:
            return np.zeros(tensor.shape, "float32")
        steps = [(n - 1) * step for n, step in zip(tensor.shape, tensor.strides)]
        length = (1 + sum(steps)) * dtype.itemsize
        record = self._records[self._record_name(tensor.storage)]
        with open(self.path, "rb") as file:
            file.seek(_data_offset(file, record) + tensor.offset * dtype.itemsize)
            content = file.read(length)
        # `as_strided` checks nothing.
        if min(steps, default=0) < 0 or len(content) < length:
            raise _damaged(self.path, f"its tensor {name!r} is not whole")
        numbers = np.frombuffer(content, dtype)
        strides = [step * dtype.itemsize for step in tensor.strides]
        view = np.lib.stride_tricks.as_strided(
            numbers, tensor.shape, strides, writeable=False
        )
        return np.array(view, "float32", order="C")

    def _find_pickle(self) -> tuple[str, bytes]:
        """The folder inside the zip, and the content of its `data.pkl`."""
        found = [name for name in self._records if name.endswith("/data.pkl")]
        if len(found) != 1:
            raise _damaged(self.path, f"it has {len(found)} records named data.pkl")
        folder = found[0].removesuffix("data.pkl")
        order = self._content(folder + "byteorder", b"little")
        if order != b"little":
            raise _damaged(self.path, f"its numbers are stored in the order {order!r}")
        return folder, self._content(found[0], b"")

    def _content(self, name: str, default: bytes) -> bytes:
        record = self._records.get(name)
        if record is None:
            return default
        try:
            with zipfile.ZipFile(self.path) as file:
                return file.read(record)
        except Exception as error:  # Damage raises errors of many types.
            raise _damaged(self.path, f"its record {name!r} is damaged") from error

    def _record_name(self, storage: Storage) -> str:
        return f"{self._folder}data/{storage.key}"

    def _check_record(self, storage: Storage) -> None:
        """Refuses a storage of more numbers than its record holds."""
        name, size = self._record_name(storage), np.dtype(storage.dtype).itemsize
        record = self._records.get(name)
        declared, held = storage.numel * size, record.file_size if record else 0
        if record is None or held < declared:
            raise _damaged(
                self.path,
                f"its record {name!r} holds {held:,} bytes, not {declared:,}",
            )
        with open(self.path, "rb") as file:
            end = _data_offset(file, record) + declared
        if end > self.path.stat().st_size:
            raise _damaged(self.path, f"its record {name!r} ends behind the file")


def _records(path: pathlib.Path) -> dict[str, zipfile.ZipInfo]:
    """The records of a zip by name, if they are stored as PyTorch does."""
    try:
        with zipfile.ZipFile(path) as file:
            records = file.infolist()
    # The last is that of `zipfile` for a version of the format that it does not know.
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ValueError(
            f"{str(path)!r} is not a whole file of PyTorch ({error}). A file that is "
            "older than PyTorch 1.6 must be saved again: "
            "`torch.save(torch.load(path, weights_only=True), path)`."
        ) from error
    unpacked, size = sum(record.file_size for record in records), path.stat().st_size
    if unpacked > size or any(
        record.compress_type != zipfile.ZIP_STORED or record.flag_bits & _ENCRYPTED
        for record in records
    ):
        raise ValueError(
            f"{str(path)!r} is not a file of PyTorch, which does not compress: it "
            f"unpacks to {unpacked:,} bytes from {size:,}."
        )
    repeated = [
        name
        for name, count in collections.Counter(r.filename for r in records).items()
        if count > 1
    ]
    if repeated:
        raise _damaged(path, f"it has two records named {repeated[0]!r}")
    return {record.filename: record for record in records}


def _data_offset(file: Any, record: zipfile.ZipInfo) -> int:
    """The place of a record's content in the file."""
    file.seek(record.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\3\4"):
        raise _damaged(
            pathlib.Path(file.name), f"the header of {record.filename!r} is damaged"
        )
    _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    offset: int = record.header_offset + len(header) + name_length + extra_length
    return offset


def _state_dict(path: pathlib.Path, content: Any) -> dict[str, StoredTensor]:
    """The dict of tensors in a file's content."""
    for key in ("model", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content:
        kind = "an empty dict" if content == {} else f"a {type(content).__name__}"
        raise ValueError(f"{str(path)!r} must hold a dict of tensors. Received: {kind}")
    others = [
        name
        for name, value in content.items()
        if not isinstance(name, str) or not isinstance(value, StoredTensor)
    ]
    if others:
        raise ValueError(
            f"{str(path)!r} must hold a dict of tensors. Received: other values under "
            f"{others[:3]}"
        )
    return content


def _damaged(path: pathlib.Path, reason: str) -> ValueError:
    return ValueError(f"{str(path)!r} is not a whole file of PyTorch: {reason}.")
