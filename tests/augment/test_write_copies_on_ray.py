"""What a worker of Ray does with its files. `tests/engines/test_ray.py` starts some."""

import contextlib
import pickle

import pytest
from helpers.augmenting import augment
from helpers.augmenting import copies_in
from helpers.augmenting import write
from helpers.reading import noise

from keras_mra import engines
from keras_mra import files
from keras_mra.augment import write_copies_on_ray


@pytest.fixture
def in_this_process(monkeypatch, tmp_path):
    """Lets one worker run here, which dies once at the end of each chunk.

    It gets everything through pickles, as it does in another process.
    """
    calls = []

    def map_here(make, chunks, workers):
        function = pickle.loads(pickle.dumps(make))()
        for chunk in chunks:
            calls.append(chunk)
            function(pickle.loads(pickle.dumps(chunk)))
            (tmp_path / "out" / f"{files.PREFIX}0").write_bytes(b"half")
            yield pickle.loads(pickle.dumps(function(chunk)))

    monkeypatch.setattr(engines, "map_on_ray", map_here)
    monkeypatch.setattr(engines, "check_engine", lambda *_: None)
    monkeypatch.setattr(engines, "ray_cluster", contextlib.nullcontext)
    return calls


def test_workers_that_die_change_nothing(mae, tmp_path, in_this_process):
    for i in range(7):
        write(tmp_path / "in" / f"{i}.png", noise(20, 16 + i, 3))
    (tmp_path / "in" / "5b.png").write_bytes(b"no image")
    options = {"copies": 2, "include_originals": True, "batch_size": 3}
    expected = augment(mae, tmp_path, "local", **options)
    report = augment(mae, tmp_path, **options, engine="ray")
    assert report == expected and report.written == 14 and report.originals == 7
    assert copies_in(tmp_path / "out") == copies_in(tmp_path / "local")
    assert [len(chunk) for chunk in in_this_process] == [3, 3, 2]


def test_only_what_is_missing_is_given_to_workers(mae, tmp_path, in_this_process):
    for i in range(5):
        write(tmp_path / "in" / f"{i}.png", noise(16, 16, 3))
    augment(mae, tmp_path, copies=2)
    (tmp_path / "out" / "3.png.mra2.png").unlink()
    report = augment(mae, tmp_path, copies=2, engine="ray")
    assert (report.written, report.skipped) == (1, 9)
    ((missing,),) = in_this_process
    assert (missing.path.name, missing.numbers) == ("3.png", (2,))


@pytest.mark.once
def test_a_machine_with_another_target_is_refused(mae, tmp_path):
    from keras_mra.augment.copy_format import CopyFormat
    from keras_mra.augment.copy_names import CopyNames
    from keras_mra.augment.local_copies import LocalCopies

    painting = (mae, 0.4, "random", 1.0, 0, 4)
    copies = LocalCopies(tmp_path / "out")
    names = CopyNames(tmp_path / "in", copies, CopyFormat("png", 90))
    make = write_copies_on_ray._make_writer
    with pytest.raises(OSError, match="`target` must be .* all machines .* see"):
        make(painting, names, 1.0, b"process 1")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / files.LOCK).write_bytes(b"process 2")
    with pytest.raises(OSError, match="`target`"):
        make(painting, names, 1.0, b"process 1")
    with pytest.raises(OSError, match="`source`"):
        make(painting, names, 1.0, b"process 2")
    (tmp_path / "in").mkdir()
    assert make(painting, names, 1.0, b"process 2")([]).written == 0
