"""The names of engines, and engines that are missing."""

import sys

import pytest

from keras_mra import engines

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "engine, workers, message",
    [
        ("spark", None, r"`engine` must be one of \('local', 'ray'\).*engine='spark'"),
        (None, None, "engine=None"),
        ("ray", 0, "`workers` must be a positive integer.*workers=0"),
        ("ray", 1.5, "workers=1.5"),
        ("local", True, "workers=True"),
    ],
)
def test_bad_arguments(engine, workers, message):
    with pytest.raises(ValueError, match=message):
        engines.check_engine(engine, workers)


def test_good_arguments():
    pytest.importorskip("ray")
    for engine in ("local", "ray"):
        for workers in (None, 1, 8):
            engines.check_engine(engine, workers)


def test_ray_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-mra\[ray\]'"):
        engines.check_engine("ray", None)
    engines.check_engine("local", None)


def test_chunks():
    assert list(engines.chunked(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(engines.chunked([], 2)) == []
