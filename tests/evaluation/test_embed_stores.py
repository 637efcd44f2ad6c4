"""Folders and files of features in stores: the bytes are those of local ones."""

import os

import pytest
from helpers import stores
from helpers.models import TINY
from helpers.reading import save
from helpers.stores import stored_tree

import keras_mra
from keras_mra import evaluation
from keras_mra import files
from keras_mra.evaluation.embedder import Embedder
from keras_mra.files import store

pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE((8, 8, 3), 4, **TINY)


@pytest.fixture
def photos(tmp_path):
    """Pictures in three classes, and a broken one."""
    for i in range(7):
        save(tmp_path / "in" / "cbe"[i % 3] / f"{i}.png", (12 + i, 20 - i))
    (tmp_path / "in" / "b" / "broken.png").write_bytes(b"no image")
    return tmp_path / "in"


@pytest.fixture(params=["s3", "memory"])
def url(request):
    """The URL of an empty folder of a store."""
    if request.param == "s3":
        return request.getfixturevalue("bucket") + "/some folder"
    return request.getfixturevalue("memory")


def embed(mae, source, out):
    return evaluation.embed_folder(mae, source, out, batch_size=3, progress=False)


def test_features_are_those_of_local_folders(mae, photos, tmp_path, url):
    stores.upload(photos, f"{url}/in")
    local = tmp_path / "local.parquet"
    expected = embed(mae, photos, local)
    report = embed(mae, f"{url}/in", f"{url}/out/a.parquet")
    assert (report.written, len(report.failed), report.left_out) == (7, 1, [])
    assert stored_tree(f"{url}/out") == {"a.parquet": local.read_bytes()}
    ((path, reason),) = report.failed
    assert str(path) == f"{url}/in/b/broken.png" and reason == expected.failed[0][1]

    embed(mae, f"{url}/in", tmp_path / "b.parquet")
    assert (tmp_path / "b.parquet").read_bytes() == local.read_bytes()
    embed(mae, photos, f"{url}/b.parquet")
    assert stored_tree(url)["b.parquet"] == local.read_bytes()


def test_features_are_read_from_a_store(mae, photos, tmp_path, url):
    embed(mae, photos, f"{url}/a.parquet")
    embed(mae, photos, tmp_path / "a.parquet")
    features, labels = evaluation.read_features(f"{url}/a.parquet")
    expected, expected_labels = evaluation.read_features(tmp_path / "a.parquet")
    assert (features == expected).all() and (labels == expected_labels).all()
    stores.put(f"{url}/text", b"text")
    with pytest.raises(ValueError, match=f"`path` must be a file .*{url}/text"):
        evaluation.read_features(f"{url}/text")
    with pytest.raises(FileNotFoundError, match=f"{url}/none"):
        evaluation.read_features(f"{url}/none")


def test_a_file_that_vanishes_is_listed(mae, photos, url, monkeypatch):
    stores.upload(photos, f"{url}/in")
    read = Embedder.read

    def vanishing(self, path):
        if path.name == "3.png":
            stores.remove(str(path))
        return read(self, path)

    monkeypatch.setattr(Embedder, "read", vanishing)
    report = embed(mae, f"{url}/in", f"{url}/a.parquet")
    (_, (path, reason)) = report.failed
    assert path.name == "3.png" and "FileNotFoundError" in reason
    assert report.written == 6


def test_a_store_that_fails_leaves_the_old_file(mae, photos, memory, monkeypatch):
    stores.upload(photos, f"{memory}/in")
    stores.put(f"{memory}/a.parquet", b"old")
    read = store.read_object

    def failing(path, most):
        if path.name == "6.png":
            raise files.StoreFailed("The store is away")
        return read(path, most)

    before = stored_tree(memory)
    monkeypatch.setattr(store, "read_object", failing)
    with pytest.raises(OSError, match="The store is away"):
        embed(mae, f"{memory}/in", f"{memory}/a.parquet")
    assert stored_tree(memory) == before


def test_an_output_that_cannot_be_written_is_found_before_the_work(
    mae, photos, bucket, monkeypatch
):
    monkeypatch.setattr(Embedder, "read", None)
    stores.forbid(bucket, "s3:PutObject")
    for out in (f"{bucket}/a.parquet", "s3://no-such-bucket/a.parquet"):
        with pytest.raises(OSError, match=f"`out` must be a file that can.*{out}"):
            embed(mae, photos, out)
    assert stored_tree(bucket) == {}
    with pytest.raises(ValueError, match="`out` must be .* writes whole objects"):
        embed(mae, photos, "http://host/a.parquet")


def test_a_source_that_is_not_there(mae, bucket, tmp_path):
    for source in (f"{bucket}/in", "s3://no-such-bucket"):
        with pytest.raises(FileNotFoundError, match=f"'{source}' does not exist"):
            embed(mae, source, tmp_path / "a.parquet")
    stores.put(f"{bucket}/in/a.txt", b"text")
    with pytest.raises(ValueError, match=f"'{bucket}/in' holds no image"):
        embed(mae, f"{bucket}/in", tmp_path / "a.parquet")
    assert os.listdir(tmp_path) == []
