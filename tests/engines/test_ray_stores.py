"""Folders of an S3 server on a Ray cluster: the results of local folders."""

import pytest
from helpers import stores
from helpers.augmenting import augment
from helpers.augmenting import tree
from helpers.augmenting import write
from helpers.reading import noise
from helpers.stores import stored_tree

import keras_mra
from keras_mra import evaluation

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.usefixtures("s3", "cluster"),
]
RAY = {"engine": "ray", "workers": 2, "progress": False}


@pytest.fixture(scope="module")
def s3(s3_address):
    """Before the cluster starts: its workers have its environment."""
    with pytest.MonkeyPatch.context() as patch:
        stores.use_s3(patch, s3_address)
        yield


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE.from_preset("mae_nano_photos")


@pytest.fixture
def url(tmp_path):
    """A bucket with some photographs, one of them broken, as in the folder `in`."""
    for i in range(30):
        write(tmp_path / "in" / f"class {i % 2}" / f"{i}.png", noise(40 + i % 7, 60, 3))
    (tmp_path / "in" / "class 0" / "broken.png").write_bytes(b"no image")
    bucket = stores.new_bucket()
    stores.upload(tmp_path / "in", f"{bucket}/in")
    return bucket


def test_copies_are_those_of_local_folders(mae, tmp_path, url):
    options = {"copies": 2, "include_originals": True, "batch_size": 4}
    expected = augment(mae, tmp_path, **options)
    run = [mae, f"{url}/in", f"{url}/out"]
    report = keras_mra.augment_folder(*run, **options, **RAY)
    assert stored_tree(f"{url}/out") == tree(tmp_path / "out")
    assert (report.written, report.originals) == (60, 30) and expected.written == 60
    assert [str(path) for path, _ in report.failed] == [f"{url}/in/class 0/broken.png"]

    stores.remove(f"{url}/out/class 0/2.png.mra1.png")
    again = keras_mra.augment_folder(*run, **options, **RAY)
    assert (again.written, again.skipped) == (1, 59)
    assert stored_tree(f"{url}/out") == tree(tmp_path / "out")


def test_features_are_those_of_local_folders(mae, tmp_path, url):
    options = {"batch_size": 8, "progress": False}
    evaluation.embed_folder(mae, tmp_path / "in", tmp_path / "a.parquet", **options)
    evaluation.embed_folder(mae, f"{url}/in", f"{url}/a.parquet", **{**options, **RAY})
    assert stored_tree(url)["a.parquet"] == (tmp_path / "a.parquet").read_bytes()


def test_a_store_that_the_workers_do_not_see_is_named(mae, tmp_path, url, memory):
    """The memory of this process."""
    with pytest.raises(OSError, match="`target` must be .* all machines .*memory://"):
        keras_mra.augment_folder(mae, f"{url}/in", memory, **RAY)
    stores.upload(tmp_path / "in", memory)
    with pytest.raises(OSError, match="`source` must be .* all machines .*memory://"):
        keras_mra.augment_folder(mae, memory, tmp_path / "out", **RAY)
