"""A run of `embed_folder` that stops, and the one that goes on."""

import os

import pytest
from helpers import forked
from helpers.killed import killed_at
from helpers.models import TINY
from helpers.models import randomize
from helpers.reading import save
from helpers.stores import stored_tree

import keras_mra
from keras_mra import evaluation
from keras_mra import files
from keras_mra.evaluation import feature_file
from keras_mra.evaluation.embedder import Embedder
from keras_mra.evaluation.feature_parts import FeatureParts

pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE((8, 8, 3), 4, **TINY))


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    """Each group is one batch, or two."""
    monkeypatch.setattr(feature_file, "GROUP_BYTES", 200)


@pytest.fixture
def photos(tmp_path):
    """14 pictures in two classes, and two broken ones."""
    for i in range(14):
        save(tmp_path / "in" / "ab"[i % 2] / f"{i:02}.png", (12 + i, 20 - i))
    for name in ("a/00b.png", "b/99.png"):
        (tmp_path / "in" / name).write_bytes(b"no image")
    return tmp_path / "in"


@pytest.fixture
def stopping(monkeypatch):
    """Lets the next runs stop at a file, and counts the files that are read."""
    read, names = Embedder.read, []

    def reading(self, path):
        if path.name == reading.last:
            raise KeyboardInterrupt
        names.append(path.name)
        return read(self, path)

    reading.last, reading.names = None, names
    monkeypatch.setattr(Embedder, "read", reading)
    return reading


def embed(mae, source, out, **options):
    options = {"batch_size": 2, "workers": 1, "progress": False, **options}
    return evaluation.embed_folder(mae, source, out, **options)


@pytest.mark.parametrize("kind", ["local", "memory"])
def test_a_run_goes_on_where_another_one_stopped(
    mae, photos, tmp_path, memory, stopping, kind
):
    expected = embed(mae, photos, tmp_path / "whole.parquet")
    assert sorted(os.listdir(tmp_path)) == ["in", "whole.parquet"]
    out = f"{memory}/a.parquet" if kind == "memory" else tmp_path / "a.parquet"
    for last in ("08.png", "03.png"):
        stopping.last = last
        with pytest.raises(KeyboardInterrupt):
            embed(mae, photos, out)
    stopping.last = None
    stopping.names.clear()
    assert embed(mae, photos, out) == expected and len(expected.failed) == 2
    assert "03.png" in stopping.names and len(stopping.names) < 10
    whole = (tmp_path / "whole.parquet").read_bytes()
    if kind == "memory":
        assert stored_tree(memory) == {"a.parquet": whole}
    else:
        assert out.read_bytes() == whole
        assert sorted(os.listdir(tmp_path)) == ["a.parquet", "in", "whole.parquet"]


@pytest.mark.slow
def test_killed_runs_leave_whole_groups(mae, photos, tmp_path):
    """The last run goes on from what several kills have left."""
    embed(mae, photos, tmp_path / "whole.parquet")
    whole, out = (tmp_path / "whole.parquet").read_bytes(), tmp_path / "a.parquet"
    numbers, kills = [*range(0, 200, 5)], 0
    for number in numbers:
        if not killed_at(number, embed, mae, photos, out):
            break
        kills += 1
        assert not out.exists() or out.read_bytes() == whole
        if kills % 4 == 0:
            embed(mae, photos, out)
            assert out.read_bytes() == whole
            out.unlink()
            assert sorted(os.listdir(tmp_path)) == ["in", "whole.parquet"]
    assert kills > 8
    embed(mae, photos, out)
    assert out.read_bytes() == whole
    assert sorted(os.listdir(tmp_path)) == ["a.parquet", "in", "whole.parquet"]


@pytest.mark.parametrize(
    "change", ["pool", "batch_size", "max_megapixels", "mae", "images"]
)
def test_other_rows_are_not_used(mae, photos, tmp_path, stopping, change):
    out = tmp_path / "a.parquet"
    stopping.last = "03.png"
    with pytest.raises(KeyboardInterrupt):
        embed(mae, photos, out)
    stopping.last = None
    options = {"pool": "cls", "batch_size": 3, "max_megapixels": 50.0}
    options = {name: value for name, value in options.items() if name == change}
    if change == "mae":
        mae = keras_mra.MAE((8, 8, 3), 4, **TINY)
    if change == "images":
        save(photos / "b" / "new.png")
    stopping.names.clear()
    embed(mae, photos, out, **options)
    assert len(stopping.names) == len(list(photos.rglob("*.png")))
    assert sorted(os.listdir(tmp_path)) == ["a.parquet", "in"]
    embed(mae, photos, tmp_path / "whole.parquet", **options)
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_damaged_group_and_those_after_it_are_made_again(
    mae, photos, tmp_path, stopping
):
    embed(mae, photos, tmp_path / "whole.parquet")
    out = tmp_path / "a.parquet"
    stopping.last = "99.png"
    with pytest.raises(KeyboardInterrupt):
        embed(mae, photos, out)
    parts = sorted(FeatureParts(out, {}).folder.glob("*.parquet"))
    assert len(parts) > 3
    parts[1].write_bytes(parts[1].read_bytes()[:-20])
    stopping.last = None
    embed(mae, photos, out)
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not parts[0].parent.exists()


def test_a_second_process_is_refused(mae, photos, tmp_path):
    folder = FeatureParts(tmp_path / "a.parquet", {}).folder
    folder.mkdir()
    with forked.holding(lambda: files.locked(folder, "out")) as first:
        with pytest.raises(OSError, match=f"`out` must .*process {first} on"):
            embed(mae, photos, tmp_path / "a.parquet")
    embed(mae, photos, tmp_path / "a.parquet")
    assert sorted(os.listdir(tmp_path)) == ["a.parquet", "in"]


def test_groups_that_cannot_be_removed_change_nothing(
    mae, photos, tmp_path, memory, monkeypatch
):
    """For instance in a bucket that may not be deleted from."""

    def failing(path):
        raise PermissionError("no")

    monkeypatch.setattr(files, "remove", failing)
    embed(mae, photos, f"{memory}/a.parquet", pool="cls")
    assert len(stored_tree(memory)) > 2
    embed(mae, photos, f"{memory}/a.parquet")
    embed(mae, photos, tmp_path / "a.parquet")
    assert stored_tree(memory)["a.parquet"] == (tmp_path / "a.parquet").read_bytes()
