"""Features of a folder in a Parquet file, and what reads them."""

import contextlib
import errno
import os
import pickle
import sys

import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize
from helpers.reading import save
from PIL import Image

import keras_mra
from keras_mra import datasets
from keras_mra import engines
from keras_mra import evaluation
from keras_mra.evaluation import feature_file
from keras_mra.evaluation.embedder import Embedder

pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE((8, 8, 3), 4, **TINY))


@pytest.fixture
def photos(tmp_path):
    """Pictures of many sizes and modes in three classes."""
    folder = tmp_path / "photos"
    for i, mode in enumerate(["RGB", "L", "RGBA", "P", "RGB", "1", "CMYK"]):
        ending = "jpg" if mode == "CMYK" else "png"
        save(folder / "cbe"[i % 3] / f"{i}.{ending}", (12 + i, 20 - i), mode)
    return folder


def embed(mae, source, out, **arguments):
    return evaluation.embed_folder(
        mae, source, out, **{"batch_size": 3, "progress": False, **arguments}
    )


def test_features_are_those_of_the_centre_crops(mae, photos, tmp_path):
    report = embed(mae, photos, tmp_path / "a.parquet", pool="mean")
    assert (report.written, report.failed, report.left_out) == (7, [], [])
    crops = datasets.FolderDataset(
        photos, (8, 8, 3), None, crop="center", shuffle=False, labels=True
    )
    images, expected_labels = crops[0]
    expected = evaluation.features(mae, images, pool="mean")
    features, labels = evaluation.read_features(tmp_path / "a.parquet")
    np.testing.assert_allclose(features, expected, atol=1e-5)
    np.testing.assert_array_equal(labels, expected_labels)
    assert (features.dtype, labels.dtype) == ("float32", "int32")
    assert np.unique(features, axis=0).shape == features.shape


def test_an_msa_and_another_range_of_pixels(photos, tmp_path):
    mae = randomize(keras_mra.MAE((8, 8, 1), 4, value_range=(-1, 1), **TINY))
    embed(keras_mra.MSA(mae), photos, tmp_path / "a.parquet")
    crops = datasets.FolderDataset(
        photos, (8, 8, 1), None, crop="center", shuffle=False
    )
    expected = evaluation.features(mae, (crops[0] / 127.5 - 1).astype("float32"))
    features, _ = evaluation.read_features(tmp_path / "a.parquet")
    np.testing.assert_allclose(features, expected, atol=1e-5)


@pytest.mark.once
def test_what_is_embedded_in_other_batches_is_the_same(mae, photos, tmp_path):
    found = []
    for batch_size, workers in ((1, 1), (3, 2), (100, None)):
        out = tmp_path / f"{batch_size}.parquet"
        embed(mae, photos, out, batch_size=batch_size, workers=workers)
        found.append(evaluation.read_features(out)[0])
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-5)


@pytest.mark.once
def test_the_protocols_and_pandas_read_the_file(mae, tmp_path):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    for split, count in (("train", 8), ("test", 4)):
        for name, gray in (("dark", 40), ("light", 200)):
            for i in range(count):
                place = tmp_path / split / name / f"{i}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                pixels = rng.integers(gray - 30, gray + 30, (8, 8, 3), "uint8")
                Image.fromarray(pixels).save(place)
        embed(mae, tmp_path / split, tmp_path / f"{split}.parquet")
    train, test = (
        evaluation.read_features(tmp_path / f"{split}.parquet")
        for split in ("train", "test")
    )
    assert evaluation.linear_probe(None, train, test).accuracy == 1
    assert evaluation.knn(None, train, test, k=3).accuracy[3] == 1
    frame = pandas.read_parquet(tmp_path / "test.parquet")
    assert list(frame.columns) == ["path", "label", "features"]
    assert list(frame.path) == [
        f"{name}/{i}.png" for name in ("dark", "light") for i in range(4)
    ]
    assert list(frame.label) == ["dark"] * 4 + ["light"] * 4
    np.testing.assert_array_equal(np.stack(frame.features), test[0])


@pytest.mark.once
def test_rows_are_written_in_groups(mae, photos, tmp_path, monkeypatch):
    embed(mae, photos, tmp_path / "whole.parquet")
    monkeypatch.setattr(feature_file, "GROUP_BYTES", 1)
    embed(mae, photos, tmp_path / "parts.parquet")
    groups = [
        pq.ParquetFile(tmp_path / f"{name}.parquet").num_row_groups
        for name in ("whole", "parts")
    ]
    assert groups == [1, 3]
    whole, parts = (
        evaluation.read_features(tmp_path / f"{name}.parquet")
        for name in ("whole", "parts")
    )
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_array_equal(whole[1], parts[1])


@pytest.mark.once
def test_only_a_few_rows_are_in_memory(mae, tmp_path, monkeypatch):
    """Neither the pictures nor the features of a whole folder."""
    for i in range(40):
        save(tmp_path / "in" / f"{i:02}.png")
    monkeypatch.setattr(feature_file, "GROUP_BYTES", 1)
    alive, written = set(), []
    read, write = Embedder.read, feature_file.FeatureWriter.write

    def reading(self, path):
        alive.add(path)
        assert len(alive) <= 3 * 4  # This batch, the next, and one being written.
        return read(self, path)

    def writing(self, names, *args):
        write(self, names, *args)
        written.extend(names)
        for name in names:
            alive.discard(tmp_path / "in" / name)

    monkeypatch.setattr(Embedder, "read", reading)
    monkeypatch.setattr(feature_file.FeatureWriter, "write", writing)
    embed(mae, tmp_path / "in", tmp_path / "a.parquet", batch_size=4, workers=2)
    assert len(written) == 40


@pytest.mark.once
def test_labels_where_every_image_lies_in_a_folder(mae, photos, tmp_path):
    out = tmp_path / "a.parquet"
    save(photos / "x.png")
    embed(mae, photos, out)
    assert evaluation.read_features(out)[1] is None
    assert pq.read_table(out).column_names == ["path", "features"]


@pytest.mark.once
def test_labels_of_files_that_hold_different_classes(mae, photos, tmp_path):
    out = tmp_path / "a.parquet"
    embed(mae, photos, out)
    assert list(evaluation.read_features(out)[1]) == [0, 0, 1, 1, 1, 2, 2]
    _, labels = evaluation.read_features(out, class_names=["e", "d", "c", "b"])
    assert list(labels) == [3, 3, 2, 2, 2, 0, 0]
    with pytest.raises(ValueError, match=r"`class_names` must hold .*\['e'\]"):
        evaluation.read_features(out, class_names=["b", "c"])


@pytest.mark.once
def test_files_that_cannot_be_read_are_listed(mae, photos, tmp_path):
    (photos / "b" / "broken.png").write_bytes(b"no image")
    save(photos / "c" / "huge.png", (400, 300))
    (photos / "link.png").symlink_to(save(tmp_path / "beside.png"))
    report = embed(mae, photos, tmp_path / "a.parquet", max_megapixels=0.1)
    assert [path.name for path, _ in report.failed] == ["broken.png", "huge.png"]
    assert "400x300" in report.failed[1][1]
    assert [path.name for path, _ in report.left_out] == ["link.png"]
    names = pq.read_table(tmp_path / "a.parquet")["path"].to_pylist()
    assert report.written == len(names) == 7
    assert not {"b/broken.png", "c/huge.png", "link.png"} & set(names)
    report = embed(
        mae, photos, tmp_path / "a.parquet", max_megapixels=0.1, follow_links=True
    )
    assert report.written == 8 and report.left_out == []


@pytest.mark.once
def test_a_file_that_vanishes_is_listed(mae, photos, tmp_path, monkeypatch):
    read = Embedder.read

    def vanishing(self, path):
        if path.name == "3.png":
            path.unlink()
        return read(self, path)

    monkeypatch.setattr(Embedder, "read", vanishing)
    report = embed(mae, photos, tmp_path / "a.parquet")
    ((path, reason),) = report.failed
    assert path.name == "3.png" and "FileNotFoundError" in reason
    assert report.written == 6


@pytest.mark.once
def test_names_that_are_no_text(mae, photos, tmp_path):
    save(photos / os.fsdecode(b"caf\xe9") / "a.png")
    embed(mae, photos, tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet").to_pydict()
    assert "caf\\xe9/a.png" in table["path"] and "caf\\xe9" in table["label"]


# --- errors --------------------------------------------------------------------------


@pytest.mark.once
def test_nothing_that_can_be_read_leaves_the_old_file(mae, tmp_path):
    (tmp_path / "in").mkdir()
    out = tmp_path / "a.parquet"
    out.write_bytes(b"old")
    with pytest.raises(ValueError, match="holds no image"):
        embed(mae, tmp_path / "in", out)
    (tmp_path / "in" / "a.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="`source` must hold an image.*a.png"):
        embed(mae, tmp_path / "in", out)
    assert out.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["a.parquet", "in"]


@pytest.mark.once
def test_a_disk_that_is_full_leaves_the_old_file(mae, photos, tmp_path, monkeypatch):
    out = tmp_path / "a.parquet"
    out.write_bytes(b"old")
    monkeypatch.setattr(feature_file, "GROUP_BYTES", 1)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match=r"No space left.*a\.parquet") as caught:
        embed(mae, photos, out)
    assert caught.value.errno == errno.ENOSPC
    assert out.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["a.parquet", "photos"]


@pytest.mark.once
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"mae": "mae"}, "`mae` must be an MAE"),
        ({"pool": "max"}, "pool='max'"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 10**9}, "from 1 to 65,536. Received: batch_size=1000000000"),
        ({"max_megapixels": 0}, "max_megapixels=0"),
        ({"follow_links": 1}, "follow_links=1"),
        ({"progress": 1}, "progress=1"),
        ({"engine": "spark"}, "engine='spark'"),
        ({"workers": 0}, "workers=0"),
        ({"out": ""}, "`out` must be the path of a file"),
        ({"out": "photos/c/0.png"}, "`out` must be a file that ends in .parquet"),
        ({"out": "new.csv"}, "`out` must be a file that ends in .parquet"),
    ],
)
def test_bad_arguments(mae, photos, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    given = {"mae": mae, "source": photos, "out": tmp_path / "a.parquet", **arguments}
    with pytest.raises(ValueError, match=message):
        embed(**given)
    assert os.listdir(tmp_path) == ["photos"]


@pytest.mark.once
def test_an_output_that_cannot_be_written_is_found_before_the_work(
    mae, photos, tmp_path, monkeypatch
):
    monkeypatch.setattr(Embedder, "read", None)
    (tmp_path / "a.parquet").mkdir()
    with pytest.raises(OSError, match="`out` must be a file that can be written"):
        embed(mae, photos, tmp_path / "a.parquet")


@pytest.mark.once
@pytest.mark.skipif(
    sys.platform != "linux", reason="macOS and Windows refuse names that are no text."
)
def test_an_output_whose_name_is_no_text(mae, photos, tmp_path):
    embed(mae, photos, tmp_path / "a.parquet")
    folder = tmp_path / os.fsdecode(b"new\xff")
    embed(mae, photos, folder / os.fsdecode(b"\xff.parquet"))
    (name,) = os.listdir(os.fsencode(folder))
    written = (folder / os.fsdecode(name)).read_bytes()
    assert name == b"\xff.parquet" and written == (tmp_path / "a.parquet").read_bytes()


@pytest.mark.once
def test_pyarrow_that_is_missing(mae, photos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for call in (
        lambda: embed(mae, photos, tmp_path / "a.parquet"),
        lambda: evaluation.read_features(tmp_path / "a.parquet"),
    ):
        with pytest.raises(ImportError, match=r"pip install 'keras-mra\[parquet\]'"):
            call()


@pytest.mark.once
def test_files_that_hold_no_features(tmp_path):
    import pyarrow

    path = tmp_path / "a.parquet"
    with pytest.raises(FileNotFoundError):
        evaluation.read_features(path)
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match="`path` must be a file that `embed_folder`"):
        evaluation.read_features(path)
    for column in ({"a": [1]}, {"features": [1.5]}):
        pq.write_table(pyarrow.table(column), path)
        with pytest.raises(ValueError, match="`path` must be.*with the columns"):
            evaluation.read_features(path)


# --- another engine ------------------------------------------------------------------


@pytest.mark.once
def test_an_engine_of_other_processes_gives_the_same_file(
    mae, photos, tmp_path, monkeypatch
):
    (photos / "b" / "broken.png").write_bytes(b"no image")
    expected = embed(mae, photos, tmp_path / "local.parquet")

    def map_here(make, chunks, workers):
        function = pickle.loads(pickle.dumps(make))()
        return (pickle.loads(pickle.dumps(function(chunk))) for chunk in chunks)

    monkeypatch.setattr(engines, "map_on_ray", map_here)
    monkeypatch.setattr(engines, "check_engine", lambda *_: None)
    monkeypatch.setattr(engines, "ray_cluster", contextlib.nullcontext)
    assert embed(mae, photos, tmp_path / "ray.parquet", engine="ray") == expected
    local, other = (
        (tmp_path / f"{name}.parquet").read_bytes() for name in ("local", "ray")
    )
    assert local == other


@pytest.mark.once
def test_a_machine_that_does_not_see_the_source(mae, tmp_path):
    from keras_mra.evaluation.embed_folder import _make_embedder

    with pytest.raises(OSError, match="`source` must be .* all machines"):
        _make_embedder(tmp_path / "in", (mae, "cls", 4, 1.0))
