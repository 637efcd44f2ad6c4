"""Checkpoints that are small and ask for much memory, or hold something else."""

import io
import json
import zipfile

import numpy as np
import pytest
from helpers.peak_memory import peak_memory

from keras_mra.pretrain.saved_state import read_saved_state
from keras_mra.pretrain.stored_arrays import stored_arrays

pytestmark = pytest.mark.once

HEADER = {"run": {}, "epochs_done": 1, "logs": {"loss": [1.0]}, "variables": []}


def array_file(shape, dtype="<f4", content=b""):
    """The content of an `.npy` file whose header can state anything."""
    file = io.BytesIO()
    header = {"shape": shape, "fortran_order": False, "descr": dtype}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


def write(path, records, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in records.items():
            file.writestr(name, content)
    return path


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_numpy_saves(tmp_path, order):
    arrays = {
        "a": np.arange(6.0).reshape(2, 3), "b": np.int32(3), "c": np.zeros((0, 2)),
        "d": np.array("words"),
    }  # fmt: skip
    saved = {name: np.asarray(array, order=order) for name, array in arrays.items()}
    np.savez(tmp_path / "a.npz", **saved)
    with open(tmp_path / "a.npz", "rb") as file:
        found = stored_arrays(file)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    found["a"][0, 0] = 5  # It can be written to.


def test_a_compressed_checkpoint_does_not_take_much_memory(tmp_path):
    zeros = np.zeros(2**28, "uint8")
    np.savez_compressed(tmp_path / "a.npz", header=json.dumps(HEADER), v0=zeros)
    assert (tmp_path / "a.npz").stat().st_size < 2**20
    with pytest.raises(ValueError, match="a.npz' could not be read: .*uncompressed"):
        read_saved_state(tmp_path / "a.npz", [])
    declared = {"v0.npy": array_file((1_500_000_000,))}
    write(tmp_path / "b.npz", declared)
    with pytest.raises(ValueError, match="must take 6,000,000,000 bytes; it takes 0"):
        read_saved_state(tmp_path / "b.npz", [])
    grown, message = peak_memory(READ, "read('a.npz', 'b.npz')", tmp_path)
    assert "refused 2" in message and grown < 100


READ = """
import pathlib
from keras_mra.pretrain.saved_state import read_saved_state
def read(*names):
    refused = 0
    for name in names:
        try:
            read_saved_state(pathlib.Path(name), [])
        except ValueError:
            refused += 1
    raise ValueError(f"refused {refused}")
"""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY\x03\x00",
        array_file((2,), "|O", b"x" * 16),
        array_file((2, -3)),
        array_file((1,) * 40, content=b"abcd"),
        array_file((10**30,)),
        array_file((2,), content=b"123"),
    ],
)
def test_damaged_arrays(tmp_path, content):
    path = write(tmp_path / "a.npz", {"header.npy": content})
    with pytest.raises(ValueError, match="a.npz' could not be read"):
        read_saved_state(path, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"run": []},
        {"logs": {"loss": 3}},
        {"epochs_done": -1},
        {"epochs_done": "x"},
        {"seconds": "long"},
        {"variables": [3]},
        {"variables": [[[2], "a"]]},
        {"variables": {}},
    ],
)
def test_headers_of_something_else(tmp_path, changes):
    np.savez(tmp_path / "a.npz", header=json.dumps({**HEADER, **changes}))
    with pytest.raises(ValueError, match="a.npz' could not be read"):
        read_saved_state(tmp_path / "a.npz", [(2,)])
    np.savez(tmp_path / "a.npz", header=json.dumps(HEADER))
    assert read_saved_state(tmp_path / "a.npz", []).header == HEADER
