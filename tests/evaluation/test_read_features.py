"""Files of features from strangers: their sizes, their types, and damage."""

import numpy as np
import pytest
from helpers.peak_memory import peak_memory

from keras_mra.evaluation import feature_batches
from keras_mra.evaluation import read_features
from keras_mra.evaluation.parquet_file import write_groups

pq = pytest.importorskip("pyarrow.parquet")
import pyarrow as pa  # noqa: E402

pytestmark = pytest.mark.once

VALUES = np.arange(8, dtype="float32")
LABELS = ["x", "y", "x", "z"]


def lists(values, dim=2):
    return pa.FixedSizeListArray.from_arrays(pa.array(values), dim)


def table(features=None, labels=LABELS, **columns):
    """Four rows of two features."""
    columns["features"] = lists(VALUES) if features is None else features
    if labels is not None:
        columns["label"] = labels
    return pa.table(columns)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.parquet"


# --- values --------------------------------------------------------------------------


def test_labels_are_numbers_of_sorted_names(path):
    second = table(labels=["w", "y", "y", "x"])
    write_groups(path, [table(), second])
    features, labels = read_features(path)
    np.testing.assert_array_equal(features, np.tile(VALUES.reshape(4, 2), (2, 1)))
    assert features.dtype == np.float32 and labels.dtype == np.int32
    assert list(labels) == [1, 2, 1, 3, 0, 2, 2, 1]
    _, labels = read_features(path, class_names=("z", "y", "x", "w", "none"))
    assert list(labels) == [2, 1, 2, 0, 3, 1, 1, 2]


def test_many_batches_and_names(path, monkeypatch):
    """A dictionary of many names is not written whole."""
    monkeypatch.setattr(feature_batches, "_VALUES_AT_ONCE", 5000)
    rng = np.random.default_rng(0)
    values = rng.random((30_000, 3), "float32")
    labels = [f"{i:0100}" for i in rng.integers(0, 20_000, 30_000)]
    whole = table(lists(values.reshape(-1), 3), labels)
    write_groups(path, [whole[:7000], whole[7000:]])
    features, numbers = read_features(path)
    np.testing.assert_array_equal(features, values)
    names = sorted(set(labels))
    assert [names[number] for number in numbers] == labels


def test_names_that_no_row_has_are_no_classes(path):
    labels = pa.DictionaryArray.from_arrays([1, 3, 1, 3], ["a", "b", "c", "d"])
    batches = [pa.record_batch({"features": lists(VALUES), "label": labels})]
    pq.write_table(pa.Table.from_batches(batches).cast(table().schema), path)
    assert list(read_features(path)[1]) == [0, 1, 0, 1]


UNFIT = {
    "NaN": (table(lists(np.full(8, np.nan, "float32"))), "NaN or infinite"),
    "infinity": (table(lists(np.full(8, np.inf, "float32"))), "NaN or infinite"),
    "missing values": (
        table(lists(pa.array([1.0, None] * 4, pa.float32()))),
        "features that are missing",
    ),
    "missing rows": (
        table(pa.array([[1, 2], None] * 2, pa.list_(pa.float32(), 2))),
        "features that are missing",
    ),
    "missing labels": (table(labels=["x", None, "y", "z"]), "labels that are missing"),
    "no labels": (
        table(labels=pa.array([None] * 4, pa.string())),
        "labels that are missing",
    ),
    "long labels": (table(labels=["x" * 4097] * 4), "more than 4,096 bytes"),
    "empty lists": (table(pa.array([[]] * 4, pa.list_(pa.float32(), 0))), r"\[0\]"),
    "other lists": (table(pa.array([[1.0]] * 4)), "of type list"),
    "nested": (table(lists(lists(np.arange(16, dtype="float32")))), "of one length"),
    "twice": (
        pa.Table.from_arrays([lists(VALUES)] * 2, ["features", "features"]),
        "with the columns",
    ),
    "two labels": (
        pa.Table.from_arrays(
            [lists(VALUES), LABELS, LABELS], ["features", "label", "label"]
        ),
        "with the columns",
    ),
}
for kind in ("float64", "float16", "int64", "bool", "datetime64[s]", "str"):
    UNFIT[kind] = (table(lists(VALUES.astype("int64").astype(kind))), "of float32")
for values in ([1, 2, 3, 4], [0.5] * 4, [b"a"] * 4, [["a"]] * 4, [{"a": 1}] * 4):
    UNFIT[f"labels {values}"] = (table(labels=values), "with labels of type")


@pytest.mark.parametrize("unfit", UNFIT)
def test_values_that_are_no_features(path, unfit):
    content, message = UNFIT[unfit]
    pq.write_table(content, path)
    beginning = r"`path` must be a file that `embed_folder` wrote.*a\.parquet"
    with pytest.raises(ValueError, match=f"{beginning}.*{message}"):
        read_features(path)


@pytest.mark.parametrize(
    "class_names, message",
    [
        (3, "a list of names"),
        ("xyz", "a list of names"),
        (iter("xyz"), "a list of names"),
        ({"x": 1, "y": 2, "z": 3}, "distinct strings"),
        (["x", "y", "z", "z"], "distinct strings"),
        (["x", "y", "z", None], "distinct strings"),
        ([["x"], "y", "z"], "distinct strings"),
        (["x", "y"], r"hold every class.*\['z'\]"),
        ([], "hold every class"),
    ],
)
def test_class_names_that_are_none(path, class_names, message):
    pq.write_table(table(), path)
    with pytest.raises(ValueError, match=f"`class_names` must (be )?.*{message}"):
        read_features(path, class_names)


# --- size ----------------------------------------------------------------------------

EQUAL = """
import pyarrow as pa, pyarrow.parquet as pq, numpy as np
from keras_mra.evaluation import read_features
"""


@pytest.mark.parametrize("dim", [1, 1024])
def test_equal_features_that_take_no_bytes(path, dim):
    """A dictionary holds the value, and a few bytes the number of rows."""
    group = table(lists(np.zeros(2**22, "float32"), dim), None)
    with pq.ParquetWriter(path, group.schema, use_dictionary=True) as writer:
        for _ in range(8):
            writer.write_table(group)
    assert path.stat().st_size < 200_000
    grown, message = peak_memory(EQUAL, f"read_features({str(path)!r})", path.parent)
    assert "bytes of features" in message and "in a file of its length" in message
    assert grown < 50


@pytest.mark.parametrize("dictionary", [True, False])
def test_long_labels_that_take_few_bytes(path, dictionary):
    labels = ["x" * 100_000] * 4000
    content = table(lists(np.zeros(4000, "float32"), 1), labels)
    pq.write_table(content, path, use_dictionary=dictionary, compression="snappy")
    grown, message = peak_memory(EQUAL, f"read_features({str(path)!r})", path.parent)
    assert "more than 4,096 bytes" in message
    assert grown < (50 if dictionary else 800)


@pytest.mark.parametrize("compression", ["zstd", "gzip", "brotli", "lz4"])
def test_a_compression_that_unpacks_few_bytes_to_many(path, compression):
    pq.write_table(table(), path, compression=compression)
    with pytest.raises(ValueError, match="`path` must .*with the compression"):
        read_features(path)


def test_labels_that_each_hold_the_last(path):
    """Prefixes of the label before: few bytes, and far more of text."""
    encoding = {"label": "DELTA_BYTE_ARRAY"}
    pq.write_table(table(), path, use_dictionary=False, column_encoding=encoding)
    with pytest.raises(ValueError, match="`path` must be a file that `embed_folder`"):
        read_features(path)


# --- damage --------------------------------------------------------------------------


def test_damage_is_seen(path):
    """A byte of the features or labels, or of what describes them."""
    write_groups(path, [table()])
    content = path.read_bytes()
    expected, labels = read_features(path)
    rng = np.random.default_rng(0)
    refused = 0
    for place in range(0, len(content), 3):
        changed = bytearray(content)
        changed[place] ^= rng.integers(1, 256)
        path.write_bytes(changed)
        try:
            found, numbers = read_features(path)
        except ValueError as error:
            assert str(error).startswith("`path` must be a file that `embed_folder`")
            refused += 1
        else:  # A byte that tells nothing about values.
            np.testing.assert_array_equal(found, expected)
            assert len(numbers) == len(labels)
    assert refused > len(content) / 6
    for changed in (b"", content[:-20], content[:100], b"PAR1" + bytes(99) + b"PAR1"):
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="`path` must be a file that `embed_fold"):
            read_features(path)
