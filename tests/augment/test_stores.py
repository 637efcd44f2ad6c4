"""Folders of stores, as source and as target: the copies are those of local folders."""

import os
import threading
import time

import fsspec
import pytest
from helpers import forked
from helpers import stores
from helpers.augmenting import RECORD
from helpers.augmenting import augment
from helpers.augmenting import copies_in
from helpers.augmenting import tree
from helpers.augmenting import write
from helpers.commands import run
from helpers.killed import killed_after
from helpers.reading import noise
from helpers.reading import png16
from helpers.stores import stored_tree

import keras_mra
from keras_mra import files
from keras_mra.augment import originals
from keras_mra.files import store

# They ask what happens to files, not what is painted.
pytestmark = pytest.mark.once
OPTIONS = {"batch_size": 4, "progress": False}


@pytest.fixture
def photos(tmp_path):
    """Files of many kinds, one of which is broken."""
    folder = tmp_path / "in"
    for name in ("a.png", "cat/a.png", "cat/b c.jpg", "cat-2/ünï.webp", "dog/x/y.png"):
        write(folder / name, noise(20, 16, 3))
    (folder / "dog" / "deep.png").write_bytes(png16(noise(40, 40, 3, dtype="uint16")))
    (folder / "dog" / "broken.png").write_bytes(b"no image")
    (folder / "dog" / "empty.png").write_bytes(b"")
    write(folder / ".hidden" / "a.png", noise(8, 8, 3))
    return folder


@pytest.fixture(params=["s3", "memory"])
def url(request):
    """The URL of an empty folder of a store."""
    if request.param == "s3":
        return request.getfixturevalue("bucket") + "/some folder"
    return request.getfixturevalue("memory")


def names_of(found, root):
    return [(str(path).removeprefix(str(root)), reason) for path, reason in found]


def test_copies_and_report_are_those_of_local_folders(mae, photos, tmp_path, url):
    stores.upload(photos, f"{url}/in")
    options = {"copies": 2, "include_originals": True, "format": "same"}
    expected = augment(mae, tmp_path, **options)
    assert (expected.written, expected.originals, len(expected.failed)) == (12, 6, 2)
    report = keras_mra.augment_folder(
        mae, f"{url}/in", f"{url}/out", **OPTIONS, **options
    )
    assert stored_tree(f"{url}/out") == tree(tmp_path / "out")
    failed = [str(path) for path, _ in report.failed]
    assert failed == [f"{url}/in/dog/{name}.png" for name in ("broken", "empty")]
    reasons = [why.replace(url, str(tmp_path)) for _, why in report.failed]
    assert reasons == [why for _, why in expected.failed]
    assert (report.written, report.originals) == (12, 6)


def test_one_of_the_two_is_local(mae, photos, tmp_path, url):
    stores.upload(photos, f"{url}/in")
    augment(mae, tmp_path)
    keras_mra.augment_folder(mae, f"{url}/in", tmp_path / "copies", **OPTIONS)
    assert tree(tmp_path / "copies") == tree(tmp_path / "out")
    keras_mra.augment_folder(mae, photos, f"{url}/out", **OPTIONS)
    assert stored_tree(f"{url}/out") == tree(tmp_path / "out")


def test_a_run_that_stops_is_continued(mae, photos, tmp_path, url, monkeypatch):
    # TensorFlow rounds differently in other batches, which 16 bits show.
    (photos / "dog" / "deep.png").unlink()
    stores.upload(photos, f"{url}/in")
    augment(mae, tmp_path, copies=2)
    put = store.put_object

    def stopping(path, content):
        if path.name == "ünï.webp.mra1.png":
            raise KeyboardInterrupt
        put(path, content)

    def run():
        return keras_mra.augment_folder(
            mae, f"{url}/in", f"{url}/out", copies=2, **OPTIONS
        )

    with monkeypatch.context() as patch:
        patch.setattr(files, "put_object", stopping)
        with pytest.raises(KeyboardInterrupt):
            run()
    left = len(stored_tree(f"{url}/out")) - 1
    report = run()
    assert (report.written, report.skipped) == (10 - left, left) and 1 < left < 10
    stores.remove(f"{url}/out/dog/x/y.png.mra2.png")
    report = run()
    assert (report.written, report.skipped) == (1, 9)
    assert stored_tree(f"{url}/out") == tree(tmp_path / "out")


@pytest.mark.slow
def test_killed_runs_leave_whole_copies(mae, photos, tmp_path, bucket):
    (photos / "dog" / "deep.png").unlink()
    for i in range(20):
        write(photos / "more" / f"{i}.png", noise(200, 160, 3))
    stores.upload(photos, f"{bucket}/in")
    augment(mae, tmp_path, copies=2)
    whole = tree(tmp_path / "out")

    def run(target="out"):
        keras_mra.augment_folder(
            mae, f"{bucket}/in", f"{bucket}/{target}", copies=2, **OPTIONS
        )

    begin = time.monotonic()
    assert forked.status(forked.start(run, "other")) == 0
    longest = time.monotonic() - begin
    sizes = []
    for share in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        killed_after(share * longest, run)
        left = stored_tree(f"{bucket}/out")
        assert all(whole[name] == content for name, content in left.items())
        sizes.append(len(left))
    assert any(0 < size < len(whole) for size in sizes), sizes
    run()
    assert stored_tree(f"{bucket}/out") == whole


def test_other_settings_are_refused(mae, photos, memory):
    def run(**options):
        return keras_mra.augment_folder(mae, photos, memory, **OPTIONS, **options)

    run()
    before = stored_tree(memory)
    with pytest.raises(ValueError, match="target='memory://folder', with seed=0 there"):
        run(seed=1)
    stores.remove(f"{memory}/{RECORD}")
    with pytest.raises(ValueError, match="target='memory://folder'.*no record"):
        run()
    del before[RECORD]
    assert stored_tree(memory) == before


def test_a_file_that_vanishes_is_that_files_failure(
    mae, photos, tmp_path, url, monkeypatch
):
    """After the files were listed, and between reading and copying an original."""
    stores.upload(photos, f"{url}/in")
    read, names = store.read_object, ["y.png", "b c.jpg"]

    def vanishing(path, *args):
        if path.name == "y.png" and "y.png" in names:
            names.remove("y.png")
            stores.remove(str(path))
        content = read(path, *args)
        if path.name == "b c.jpg" and "b c.jpg" in names:
            names.remove("b c.jpg")
            stores.remove(str(path))
        return content

    monkeypatch.setattr(store, "read_object", vanishing)
    report = keras_mra.augment_folder(
        mae, f"{url}/in", tmp_path / "out", include_originals=True, **OPTIONS
    )
    names = [path.name for path, _ in report.failed]
    assert names == ["b c.jpg", "broken.png", "empty.png", "y.png"]
    assert "FileNotFoundError" in report.failed[3][1]
    assert "cat/b c.jpg" not in copies_in(tmp_path / "out")


def test_names_that_no_folder_has(mae, bucket, tmp_path):
    for name in (
        "a.png",
        "x/../b.png",
        "//c.png",
        "d//e.png",
        "f\0.png",
        "g/",
        "g.png/h.png",
    ):
        stores.put(f"{bucket}/in/{name}", b"")
    write(tmp_path / "a.png", noise(8, 8, 3))
    for name in ("a.png", "g.png", "g.png/h.png"):
        stores.put(f"{bucket}/in/{name}", (tmp_path / "a.png").read_bytes())
    report = keras_mra.augment_folder(mae, f"{bucket}/in", tmp_path / "out", **OPTIONS)
    assert report.written == 3 and report.failed == []
    assert all("cannot be the name of a file" in why for _, why in report.left_out)
    assert len(report.left_out) == 3, report.left_out
    assert not (tmp_path / "b.png").exists()


def test_names_that_a_store_cannot_have(mae, tmp_path, memory):
    deep = "/".join(["d" * 200] * 5) + "/" + "n" * 30
    for name in ("a.png", os.fsdecode(b"caf\xe9.png"), f"{deep}.png"):
        write(tmp_path / "in" / name, noise(8, 8, 3))
    report = keras_mra.augment_folder(mae, tmp_path / "in", memory, **OPTIONS)
    assert report.written == 1 and len(report.failed) == 2
    assert "a.png.mra1.png" in stored_tree(memory)


def test_a_file_far_larger_than_its_pixels_is_not_read(
    mae, photos, memory, monkeypatch
):
    stores.upload(photos, memory)
    stores.put(f"{memory}/large.png", bytes(2**26 + 9000))
    report = keras_mra.augment_folder(
        mae, memory, "memory://out", max_megapixels=0.001, **OPTIONS
    )
    reasons = {path.name: why for path, why in report.failed}
    assert "larger than 67,116,864 bytes" in reasons["large.png"]


def test_commands(photos, memory):
    """URLs arrive as they were typed, with both slashes."""
    stores.upload(photos, f"{memory}/in")
    result = run(["augment", f"{memory}/in", f"{memory}/out", "--batch-size", "4"])
    assert result.exit_code == 2 and "6 written" in result.output
    assert f"failed: {memory}/in/dog/broken.png: Unid" in result.output
    result = run(["embed", f"{memory}/in", f"{memory}/a.parquet"])
    assert result.exit_code == 2 and f"6 images in {memory}/a.parquet" in result.output
    assert len(stored_tree(f"{memory}/out")) == 7 and stored_tree(memory)["a.parquet"]


# --- errors, each before any work ----------------------------------------------------


def test_no_bucket(mae, photos, bucket, tmp_path):
    with pytest.raises(FileNotFoundError, match="'s3://no-such-bucket/in' does not"):
        keras_mra.augment_folder(mae, "s3://no-such-bucket/in", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=f"'{bucket}/in' does not exist"):
        keras_mra.augment_folder(mae, f"{bucket}/in", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(OSError, match="`target` must be .*target='s3://no-such-bucket"):
        keras_mra.augment_folder(mae, photos, "s3://no-such-bucket")


def test_a_file_in_the_place_of_a_folder(mae, photos, url):
    stores.put(f"{url}/file", b"mine")
    with pytest.raises(NotADirectoryError, match=f"'{url}/file' must be a folder"):
        keras_mra.augment_folder(mae, f"{url}/file", f"{url}/out")
    with pytest.raises(OSError, match=f"`target` must be .*{url}/file"):
        keras_mra.augment_folder(mae, photos, f"{url}/file")
    assert stored_tree(url) == {"file": b"mine"}


def test_a_target_that_may_not_be_written_to(mae, photos, bucket, monkeypatch):
    stores.forbid(bucket, "s3:PutObject")
    monkeypatch.setattr(originals, "read_exact", None)  # It is not reached.
    with pytest.raises(OSError, match=f"`target` must be .* target='{bucket}/out'"):
        keras_mra.augment_folder(mae, photos, f"{bucket}/out", **OPTIONS)
    assert stored_tree(bucket) == {}


def test_a_store_that_does_not_answer(mae, photos, tmp_path, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(OSError, match="The store of 's3://b/in' failed"):
        keras_mra.augment_folder(mae, "s3://b/in", tmp_path / "out")
    with pytest.raises(OSError, match="`target` must be .*target='s3://b/out'"):
        keras_mra.augment_folder(mae, photos, "s3://b/out")
    fsspec.filesystem("s3").clear_instance_cache()


def test_a_store_that_fails_later_stops_the_run(mae, photos, memory, monkeypatch):
    """What could not be read then is not the failure of each further file."""
    stores.upload(photos, f"{memory}/in")
    read = store.read_object

    def failing(path, most=None):
        if path.name == "b c.jpg":
            raise files.StoreFailed("The store is away")
        return read(path, most)

    monkeypatch.setattr(store, "read_object", failing)
    with pytest.raises(OSError, match="The store is away"):
        keras_mra.augment_folder(
            mae, f"{memory}/in", f"{memory}/out", batch_size=1, progress=False
        )
    assert sorted(stored_tree(f"{memory}/out")) == [
        "a.png.mra1.png",
        RECORD,
        "cat/a.png.mra1.png",
    ]


def test_a_copy_that_cannot_be_written_stops_the_run(mae, photos, memory, monkeypatch):
    put = store.put_object

    def failing(path, content):
        if path.name == "y.png.mra1.png":  # The last one.
            raise files.StoreFailed("The token has expired")
        put(path, content)

    monkeypatch.setattr(files, "put_object", failing)
    message = f"Writing stopped: The token has expired.*{memory}/dog/x/y.png.mra1.png"
    with pytest.raises(OSError, match=message):
        keras_mra.augment_folder(mae, photos, memory, **OPTIONS)
    assert len(stored_tree(memory)) == 6


@pytest.mark.parametrize(
    "module, name", [(store, "read_object"), (files, "put_object")]
)
def test_several_files_are_on_their_way_at_a_time(
    mae, tmp_path, memory, monkeypatch, module, name
):
    picture = write(tmp_path / "a.png", noise(16, 16, 3)).read_bytes()
    for i in range(2 * files.AT_ONCE):
        stores.put(f"{memory}/in/{i}.png", picture)
    meeting, function = (
        threading.Barrier(files.AT_ONCE, timeout=20),
        getattr(module, name),
    )

    def together(path, *args):
        if path.suffix == ".png":  # Not the record.
            meeting.wait()
        return function(path, *args)

    monkeypatch.setattr(module, name, together)
    report = keras_mra.augment_folder(mae, f"{memory}/in", f"{memory}/out", **OPTIONS)
    assert (report.written, report.failed) == (2 * files.AT_ONCE, [])


@pytest.mark.parametrize("target", ["in", "in/out", ""])
def test_folders_in_each_other(mae, memory, target):
    with pytest.raises(ValueError, match="outside `source`"):
        keras_mra.augment_folder(mae, f"{memory}/in", f"{memory}/{target}")


def test_a_target_that_is_no_object_store(mae, photos):
    with pytest.raises(ValueError, match="`target` must be .*store that writes whole"):
        keras_mra.augment_folder(mae, photos, "ftp://host/out")
