"""The pickle in a file of PyTorch, read without running the code that it can hold.

`torch.load(weights_only=True)` also runs nothing of the file, but it calls functions
such as `bytearray` and `torch.Tensor` with the file's numbers, so that a few hundred
bytes take gigabytes. This reader knows the few names that `torch.save` writes for a
dict of dense tensors. It makes descriptions of tensors, and needs no PyTorch.
"""

import collections
import dataclasses
import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

# The tensors of the deepest MAE take about one MB.
MOST_BYTES = 2**21
# What `torch.save` writes, at any protocol. The opcodes that make objects of other
# classes are missing.
_OPCODES = frozenset(
    """
    PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE
    BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
    EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS
    BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET
    GLOBAL STACK_GLOBAL REDUCE BUILD BINPERSID
    """.split()
)
_DTYPES = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "DoubleStorage": "float64",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}


class NotTensors(Exception):
    """Raised for a pickle that needs another name, which is the argument."""


class _Unchangeable:
    """Refuses the opcode BUILD, which would change values after they were checked."""

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a state of a tensor")


@dataclasses.dataclass(frozen=True)
class Storage(_Unchangeable):
    """A record of numbers in the file.

    Attributes:
        dtype: NumPy's name of the dtype.
        key: Name of the record.
        numel: Int, the numbers that the pickle says it has.
    """

    dtype: str
    key: str
    numel: int


@dataclasses.dataclass(frozen=True)
class StoredTensor(_Unchangeable):
    """A view of a storage.

    Attributes:
        storage: The `Storage`.
        offset: Int, the place of the first number.
        shape: Tuple of ints.
        strides: Tuple of ints, in numbers.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_pickle(data: bytes) -> Any:
    """Unpickles nested dicts and lists of tensors.

    Args:
        data: The pickle.

    Returns:
        What was pickled, with a `StoredTensor` in place of each tensor.

    Raises:
        NotTensors: If the pickle needs other objects.
        Exception: Of many types, if the pickle is damaged.
    """
    if len(data) > MOST_BYTES:
        raise NotTensors(f"a pickle of {len(data):,} bytes")
    _check_opcodes(data)
    return _Unpickler(io.BytesIO(data)).load()


def _check_opcodes(data: bytes) -> None:
    """Refuses what takes memory or makes objects before any name is looked up."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name == "GLOBAL":
            _named(*str(argument).split(" ", 1))
        if opcode.name not in _OPCODES:
            raise NotTensors(f"the pickle's {opcode.name}")
        if opcode.name == "LONG_BINPUT" and int(argument or 0) > len(data):
            # Python's unpickler makes a list of that length.
            raise pickle.UnpicklingError("a memo beyond the data")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _named(module, name)

    def persistent_load(self, pid: Any) -> Storage:
        kind, storage_type, key, _, numel = pid
        dtype = storage_type()
        if kind != "storage" or not isinstance(key, str) or not _is_size(numel):
            raise pickle.UnpicklingError("a storage without a key or a size")
        return Storage(dtype, key, numel)


def _named(module: str, name: str) -> Callable[..., Any]:
    """The function that stands for a name.

    It is a new one for every use, so that a pickle cannot change one for the next.
    """
    if (module, name) == ("collections", "OrderedDict"):
        return lambda *items: collections.OrderedDict(*items)
    if module == "torch._utils" and name == "_rebuild_tensor_v2":
        return lambda *arguments: _tensor(*arguments[:4])
    if module == "torch._utils" and name == "_rebuild_parameter":
        return lambda *arguments: arguments[0]
    if module == "torch" and name in _DTYPES:
        return lambda: _DTYPES[name]
    raise NotTensors(f"{module}.{name}")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> StoredTensor:
    """A tensor, if all of its numbers lie in the storage."""
    if (
        not isinstance(storage, Storage)
        or not isinstance(shape, tuple)
        or not isinstance(strides, tuple)
        or len(shape) != len(strides)
        or not all(map(_is_size, (offset, *shape, *strides)))
    ):
        raise pickle.UnpicklingError("a tensor that is none")
    if 0 not in shape:
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides))
        if last >= storage.numel:
            raise pickle.UnpicklingError("a tensor beyond its storage")
    return StoredTensor(storage, offset, shape, strides)


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63
