"""Files that are written whole or not at all."""

import itertools
import os
import sys

import pytest
from helpers import forked
from helpers.killed import killed_at

from keras_mra import files
from keras_mra.files import room as rooms

pytestmark = pytest.mark.once


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def calls(monkeypatch):
    """The names of the calls that write, with the last parts of their paths."""
    noted = []

    def note(name):
        original = getattr(os, name)

        def call(*args, **kwargs):
            paths = [os.path.basename(a) for a in args if not isinstance(a, int)]
            noted.append((name, *paths))
            return original(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    for name in ("replace", "fsync"):
        note(name)
    return noted


def test_a_file_is_replaced_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with files.replacing(path) as part:
        assert part.name == "a.txt" and part.parent.parent == tmp_path
        part.write_text("new")
        assert path.read_text() == "old"
    assert tree(tmp_path) == {"a.txt": "new"}
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), files.replacing(path) as part:
        part.write_text("half")
        raise KeyError
    assert tree(tmp_path) == {"a.txt": "old"} and os.listdir(tmp_path) == ["a.txt"]


def test_a_file_reaches_the_disk_before_it_replaces_and_its_folder_after(
    tmp_path, calls
):
    with files.replacing(tmp_path / "a.txt") as part:
        part.write_text("new")
        calls.clear()
    assert calls == [("fsync",), ("replace", "a.txt", "a.txt"), ("fsync",)]


def test_nobody_can_foresee_or_enter_the_place_of_an_unfinished_file(tmp_path):
    places = set()
    for _ in range(20):
        with files.replacing(tmp_path / "a.txt") as part:
            places.add(part.parent.name)
            assert part.parent.name.startswith(files.PREFIX)
            assert part.parent.stat().st_mode & 0o077 == 0
    assert len(places) == 20


def test_a_name_that_is_taken_is_not_used(tmp_path, monkeypatch):
    """Not even a link that points nowhere: its target would come into being."""
    (tmp_path / "link").symlink_to(tmp_path / "made")
    monkeypatch.setattr(rooms, "part_name", lambda: "link")
    with pytest.raises(FileExistsError):
        with files.replacing(tmp_path / "a.txt"):
            pass
    assert os.listdir(tmp_path) == ["link"]


def test_a_link_is_replaced_not_what_it_points_to(tmp_path):
    (tmp_path / "target").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with files.replacing(tmp_path / "link") as part:
        part.write_text("new")
    assert tree(tmp_path) == {"target": "mine", "link": "new"}
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("kind", ["folder", "FIFO", "device"])
def test_what_is_no_file_is_not_replaced(tmp_path, kind):
    path = tmp_path / "a"
    {
        "folder": path.mkdir,
        "FIFO": lambda: os.mkfifo(path),
        "device": lambda: path.symlink_to("/dev/null"),
    }[kind]()
    for write in (
        lambda: files.replacing(path).__enter__(),
        lambda: files.replacing_together(tmp_path, ["b", "a"], "out").__enter__(),
    ):
        with pytest.raises(OSError, match=f"must be a file. Received: a {kind}"):
            write()
    assert os.listdir(tmp_path) == ["a"]


# --- the file before -----------------------------------------------------------------


def test_the_replaced_file_is_kept(tmp_path):
    path, previous = tmp_path / "new", tmp_path / "old"
    for text in "abc":
        with files.replacing(path, previous) as part:
            part.write_text(text)
    assert tree(tmp_path) == {"new": "c", "old": "b"}


@pytest.mark.parametrize("failing", [1, 2])
def test_an_error_while_replacing_leaves_the_file_in_its_place(
    tmp_path, monkeypatch, failing
):
    path, previous = tmp_path / "new", tmp_path / "old"
    path.write_text("a")
    replace, count = os.replace, []

    def fail(*args):
        count.append(args)
        if len(count) == failing:
            raise OSError("no")
        replace(*args)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"), files.replacing(path, previous) as part:
        part.write_text("b")
    assert tree(tmp_path) == {"new": "a"}


# --- several files -------------------------------------------------------------------

OLD = {"x": "old x", "y": "old y", "z": "old z"}
NEW = {"x": "new x", "y": "new y", "z": "new z"}


def write_together(folder, texts=NEW):
    with files.replacing_together(folder, list(texts), "out") as parts:
        for name, text in texts.items():
            parts[name].write_text(text)


@pytest.fixture
def old(tmp_path):
    for name, text in OLD.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_several_files_are_replaced(old):
    write_together(old)
    assert tree(old) == NEW and set(os.listdir(old)) == set(NEW)


@pytest.mark.parametrize("there, after", [(("y", "z"), False), (("x", "y", "z"), True)])
def test_several_files_are_those_of_one_set_or_lack_the_last(tmp_path, there, after):
    """After a kill at each of the calls that write."""
    seen = []
    for number in itertools.count():
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in there:
            (folder / name).write_text(OLD[name])
        before = tree(folder)
        was_killed = killed_at(number, write_together, folder, after=after)
        left = {path.name: path.read_text() for path in folder.iterdir()
                if path.name in NEW}  # fmt: skip
        seen.append("old" if left == before else "new" if left == NEW else "no z")
        assert seen[-1] != "no z" or "z" not in left
        if not was_killed:
            break
        write_together(folder)
        files.remove_all_leftovers(folder)
        assert tree(folder) == NEW and set(os.listdir(folder)) == set(NEW)
    assert list(dict.fromkeys(seen)) == ["old", "no z", "new"] and len(seen) > 15


@pytest.mark.parametrize("after", [False, True])
def test_a_file_is_the_old_or_the_new_one(tmp_path, after):
    """After a kill at each of the calls that write."""

    def write():
        with files.replacing(tmp_path / "a", tmp_path / "b") as part:
            part.write_text("new")

    seen = []
    for number in itertools.count():
        (tmp_path / "a").write_text("old")
        (tmp_path / "b").write_text("older")
        was_killed = killed_at(number, write, after=after)
        names = [n for n in ("a", "b") if (tmp_path / n).exists()]
        seen.append(tuple((tmp_path / name).read_text() for name in names))
        files.remove_all_leftovers(tmp_path)
        if not was_killed:
            break
    assert list(dict.fromkeys(seen)) == [("old", "older"), ("old",), ("new", "old")]
    assert len(seen) > 8


@pytest.mark.parametrize("failing", range(1, 7))
def test_an_error_puts_several_files_back(old, monkeypatch, failing):
    replace, count = os.replace, []

    def fail(*args):
        count.append(args)
        if len(count) == failing:
            raise OSError("no")
        replace(*args)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_together(old)
    assert tree(old) == OLD and set(os.listdir(old)) == set(OLD)


def test_an_error_removes_those_that_were_not_there(tmp_path, monkeypatch):
    replace = os.replace

    def fail(source, target):
        if os.path.basename(target) == "z":
            raise OSError("no")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_together(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_second_process_waits_and_is_then_refused(old, monkeypatch):
    hold = lambda: files.replacing_together(old, list(OLD), "out")  # noqa: E731
    monkeypatch.setattr(sys.modules[files.replacing.__module__], "PATIENCE", 0.1)
    with forked.holding(hold) as first:
        with pytest.raises(OSError, match=f"`out` must be .*process {first} on"):
            write_together(old)
        with files.locked(old, "folder"):  # The folder itself is free.
            pass
    write_together(old)
    assert tree(old)["z"] == "new z"


# --- folders -------------------------------------------------------------------------


def test_a_folder_is_made_whole_and_reaches_the_disk(tmp_path, calls):
    with files.creating(tmp_path / "made") as part:
        (part / "inner").mkdir(parents=True)
        (part / "inner" / "a").write_text("a")
        assert not (tmp_path / "made").exists()
        calls.clear()
    assert tree(tmp_path) == {"made/inner/a": "a"}
    # The two folders and the file, then the folder that holds them.
    assert [call[0] for call in calls] == ["fsync"] * 3 + ["replace", "fsync"]


# --- what killed processes leave -----------------------------------------------------


def test_leftovers_are_removed_but_not_what_is_being_written(tmp_path):
    left = tmp_path / f"{files.PREFIX}left"
    left.mkdir()
    (left / files.LOCK).write_text("")
    (left / "a").write_text("half")
    unlocked = tmp_path / f"{files.PREFIX}unlocked"
    unlocked.mkdir()
    with files.replacing(tmp_path / "b") as part:
        part.write_text("b")
        rooms.remove_leftovers(tmp_path)
        files.remove_all_leftovers(tmp_path)
        assert not left.exists() and not unlocked.exists()
    assert tree(tmp_path) == {"b": "b"}


def test_a_room_that_is_about_to_be_locked_is_not_removed_from_under_its_maker(
    tmp_path, monkeypatch
):
    place = tmp_path / rooms.part_name()
    place.mkdir()  # Its maker has not locked it yet,
    remove = rooms.shutil.rmtree
    found = []

    def remove_while_it_is_locked(path, **kwargs):
        try:
            found.append(rooms.Lock(place).acquire())  # and does so now.
        except FileNotFoundError:
            found.append("gone")  # `_make_room` then makes another one.
        remove(path, **kwargs)

    monkeypatch.setattr(rooms.shutil, "rmtree", remove_while_it_is_locked)
    rooms.remove_leftovers(tmp_path)
    assert found == ["gone"]
    assert not os.listdir(tmp_path)


def test_leftovers_are_removed_in_sub_folders_but_not_behind_links(tmp_path):
    root, beside = tmp_path / "root", tmp_path / "beside"
    for folder in (root / "deep", beside):
        folder.mkdir(parents=True)
        (folder / f"{files.PREFIX}0").write_text("half")
        (folder / f"{files.PREFIX}1").mkdir()
        (folder / f"{files.PREFIX}1" / "a").write_text("half")
    (root / "link").symlink_to(beside)
    (root / f"{files.PREFIX}2").symlink_to(beside)
    files.remove_all_leftovers(root)
    assert os.listdir(root / "deep") == [] and len(tree(beside)) == 2


def test_a_room_that_is_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    acquire, removed = rooms.Lock.acquire, []

    def remove_first(self):
        if not removed:
            removed.append(self.path.parent)
            self.path.parent.rmdir()
        return acquire(self)

    monkeypatch.setattr(rooms.Lock, "acquire", remove_first)
    with rooms.room(tmp_path) as place:
        assert place.exists() and place != removed[0]
