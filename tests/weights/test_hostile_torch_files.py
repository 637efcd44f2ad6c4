"""Small files in the form of PyTorch that ask for much memory, or for other objects."""

import dataclasses
import io
import pickle
import struct
import traceback
import zipfile

import numpy as np
import pytest
from helpers.peak_memory import peak_memory

import keras_mra
from keras_mra.weights.torch_file import TorchFile

pytestmark = pytest.mark.once

GIGABYTES = 6 * 10**9


class Reduced:
    """Pickles as a call of a function that is only named."""

    def __init__(self, name, *arguments):
        self.name, self.arguments = name, arguments


class Changed:
    """Pickles as an object whose attributes are set after it was made."""

    def __init__(self, obj, state):
        self.obj, self.state = obj, state


class Pickler(pickle._Pickler):
    """Writes names that need not exist here, and storages as `torch.save` does."""

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Named):
            self.write(pickle.GLOBAL + obj.name.replace(" ", "\n").encode() + b"\n")
        elif isinstance(obj, Reduced):
            self.save(Named(obj.name))
            self.save(obj.arguments)
            self.write(pickle.REDUCE)
        elif isinstance(obj, Changed):
            self.save(obj.obj)
            self.save(obj.state)
            self.write(pickle.BUILD)
        else:
            super().save(obj, save_persistent_id)

    def persistent_id(self, obj):
        if isinstance(obj, Stored):
            return ("storage", Named(f"torch {obj.kind}"), obj.key, "cpu", obj.numel)
        return None


class Named:
    def __init__(self, name):
        self.name = name


class Stored:
    def __init__(self, kind, key, numel):
        self.kind, self.key, self.numel = kind, key, numel


def tensor(storage, shape, strides, offset=0):
    rebuild = "torch._utils _rebuild_tensor_v2"
    return Reduced(rebuild, storage, offset, shape, strides, False, {})


def pickled(content):
    file = io.BytesIO()
    Pickler(file, protocol=2).dump(content)
    return file.getvalue()


def write(path, data, records=(), order=None):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", data)
        for key, values in records:
            file.writestr(f"archive/data/{key}", values)
        if order:
            file.writestr("archive/byteorder", order)
    return path


NUMBERS = np.arange(6, dtype="float32")
WHOLE = tensor(Stored("FloatStorage", "0", 6), (2, 3), (3, 1))


@pytest.mark.parametrize(
    "kind, dtype",
    [("Float", "float32"), ("Half", "float16"), ("Double", "float64")]
    + [("BFloat16", "bfloat16")],
)
def test_views_of_a_storage(tmp_path, kind, dtype):
    storage = Stored(f"{kind}Storage", "0", 6)
    content = {
        "whole": tensor(storage, (2, 3), (3, 1)),
        "turned": tensor(storage, (3, 2), (1, 3)),
        "last": tensor(storage, (), (), offset=5),
        "none": tensor(storage, (0, 4), (4, 1)),
    }
    path = write(
        tmp_path / "a.pth",
        pickled({"model": content}),
        [("0", NUMBERS.astype(dtype).tobytes())],
        b"little",
    )
    file = TorchFile(path)
    whole = NUMBERS.reshape(2, 3)
    expected = {
        "whole": whole, "turned": whole.T, "last": whole[1, 2], "none": np.zeros((0, 4))
    }  # fmt: skip
    assert file.shapes() == {name: array.shape for name, array in expected.items()}
    for name, array in expected.items():
        np.testing.assert_array_equal(file.read(name), array)
        assert file.read(name).dtype == "float32"


REFUSED = {
    "bytearray": ({"a": Reduced("builtins bytearray", GIGABYTES)}, "bytearray'"),
    "tensor": ({"a": Reduced("torch Tensor", GIGABYTES // 4)}, "'torch.Tensor'"),
    "storage": ({"a": Reduced("torch UntypedStorage", GIGABYTES)}, "UntypedStorage"),
    "record too small": (
        {"a": tensor(Stored("FloatStorage", "0", GIGABYTES // 4), (2, 3), (3, 1))},
        "record 'archive/data/0' holds 24 bytes, not 6,000,000,000",
    ),
    "no record": (
        {"a": tensor(Stored("FloatStorage", "1", GIGABYTES // 4), (2, 3), (3, 1))},
        "record 'archive/data/1' holds 0 bytes, not 6,000,000,000",
    ),
    "shape beyond the storage": (
        {"a": tensor(Stored("FloatStorage", "0", 6), (GIGABYTES // 4,), (1,))},
        "its pickle is damaged",
    ),
    "repeated numbers": (
        {"a": tensor(Stored("FloatStorage", "0", 6), (GIGABYTES // 4,), (0,))},
        "must declare at most .* values.*Received: 1,500,000,000",
    ),
    "negative stride": (
        {"a": tensor(Stored("FloatStorage", "0", 6), (2,), (-1,))},
        "its pickle is damaged",
    ),
    "complex": (
        {"a": tensor(Stored("ComplexFloatStorage", "0", 3), (3,), (1,))},
        "tensors of floats. Received: 'a' of complex64",
    ),
    "module": ({"a": Reduced("os system", "true")}, "an object that needs 'os.system'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_small_files_that_ask_for_much(tmp_path, name):
    content, message = REFUSED[name]
    path = write(
        tmp_path / "a.pth", pickled(content), [("0", NUMBERS.tobytes())], b"little"
    )
    assert path.stat().st_size < 1000
    with pytest.raises(ValueError, match=message) as caught:
        keras_mra.MAE.from_preset(path)
    assert "weights_only=False" not in "".join(traceback.format_exception(caught.value))


RESERVING = [
    # A place in the memo that makes Python's unpickler reserve gigabytes.
    b"\x80\x02}r\xff\xff\xff\x7f.",
    # Bytes that are declared and missing.
    b"\x80\x05\x96" + struct.pack("<Q", GIGABYTES) + b".",
    b"\x80\x05\x8e" + struct.pack("<Q", GIGABYTES) + b".",
    b"\x80\x02}(U\x01aj\xff\xff\xff\xffu.",
    b"",
]


def test_small_files_do_not_take_much_memory(tmp_path):
    pickles = RESERVING + [pickled(content) for content, _ in REFUSED.values()]
    for number, data in enumerate(pickles):
        records = [("0", NUMBERS.tobytes())]
        write(tmp_path / f"{number}.pth", data, records, b"little")
    grown, refused = peak_memory(SETUP, "read_all()", tmp_path)
    assert f"all {len(pickles)} refused" in refused and grown < 100


SETUP = """
import pathlib, keras_mra
def read_all():
    paths = list(pathlib.Path().glob("*.pth"))
    for path in paths:
        try:
            keras_mra.MAE.from_preset(path)
        except ValueError:
            continue
        raise AssertionError(path)
    raise ValueError(f"all {len(paths)} refused")
"""


def test_an_object_of_another_class(tmp_path):
    """Protocol 2 makes objects with an opcode of its own."""
    path = write(tmp_path / "a.pth", pickle.dumps(Named("x"), protocol=2))
    with pytest.raises(ValueError, match=r"needs '.*\.Named'"):
        keras_mra.MAE.from_preset(path)


def test_a_long_pickle_is_not_read(tmp_path):
    path = write(tmp_path / "a.pth", pickled({"x" * 3_000_000: 1}))
    with pytest.raises(ValueError, match="a pickle of .* bytes"):
        keras_mra.MAE.from_preset(path)


def test_a_pickle_cannot_change_the_reader(tmp_path):
    """BUILD sets attributes of what is on the stack."""
    build = (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n"
        b"}X\x05\x00\x00\x00alteru" + b"K\x01s" + b"b."
    )
    path = write(tmp_path / "a.pth", build)
    with pytest.raises(ValueError):
        keras_mra.MAE.from_preset(path)
    test_views_of_a_storage(tmp_path, "Float", "float32")


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("of_storage", [False, True])
def test_a_checked_tensor_cannot_be_changed(tmp_path, of_storage, slots):
    """Its view would reach beyond the file, into the memory of the process."""
    storage = Stored("FloatStorage", "0", 6)
    state = {"numel": 10**6} if of_storage else {"shape": (300,), "strides": (1,)}
    state = (None, state) if slots else state
    if of_storage:
        changed = tensor(Changed(storage, state), (10**6,), (1,))
    else:
        changed = Changed(WHOLE, state)
    path = write(
        tmp_path / "a.pth", pickled({"a": changed}), [("0", NUMBERS.tobytes())]
    )
    with pytest.raises(ValueError, match="its pickle is damaged"):
        TorchFile(path)


def test_a_view_beyond_its_record_is_not_made(tmp_path):
    path = write(tmp_path / "a.pth", pickled({"a": WHOLE}), [("0", NUMBERS.tobytes())])
    file = TorchFile(path)
    for shape, strides in (((300,), (1,)), ((10**6, 2), (1, 10**9)), ((2,), (-1,))):
        changed = dataclasses.replace(file._tensors["a"], shape=shape, strides=strides)
        file._tensors["a"] = changed
        with pytest.raises(ValueError, match="tensor 'a' is not whole"):
            file.read("a")


@pytest.mark.parametrize("order", [b"big", b"?"])
def test_another_order_of_bytes(tmp_path, order):
    path = write(
        tmp_path / "a.pth", pickled({"a": WHOLE}), [("0", NUMBERS.tobytes())], order
    )
    with pytest.raises(ValueError, match="numbers are stored in the order"):
        keras_mra.MAE.from_preset(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_records_of_one_name(tmp_path):
    path = write(
        tmp_path / "a.pth", pickled({"a": WHOLE}), [("0", NUMBERS.tobytes())] * 2
    )
    with pytest.raises(ValueError, match="two records named 'archive/data/0'"):
        keras_mra.MAE.from_preset(path)


def test_files_of_pytorch_itself(tmp_path):
    torch = pytest.importorskip("torch")
    values = torch.randn(3, 4)
    state = torch.nn.Linear(4, 3).state_dict()  # an OrderedDict with an attribute
    state |= {"turned": values.T, "half": values.half(), "row": values[1]}
    for protocol in (2, 4):
        torch.save(state, tmp_path / "a.pth", pickle_protocol=protocol)
        file = TorchFile(tmp_path / "a.pth")
        for name, expected in state.items():
            np.testing.assert_array_equal(file.read(name), expected.float().numpy())
