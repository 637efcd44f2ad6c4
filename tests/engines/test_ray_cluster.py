"""A cluster that does not answer is named before anything is begun."""

import signal
import socket

import pytest
from helpers.augmenting import augment
from helpers.augmenting import write
from helpers.models import TINY
from helpers.reading import noise

import keras_mra
from keras_mra import engines

pytestmark = pytest.mark.once
ray = pytest.importorskip("ray")


@pytest.fixture
def closed_port():
    """A port of this machine at which nothing answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # It does not listen.
        yield held.getsockname()[1]


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_a_cluster_that_does_not_answer(tmp_path, monkeypatch, closed_port, form):
    write(tmp_path / "in" / "a.png", noise(8, 8, 3))
    address = form.format(closed_port)
    monkeypatch.setenv("RAY_ADDRESS", address)
    mae = keras_mra.MAE((8, 8, 3), 4, **TINY)
    with pytest.raises(OSError, match=f"`RAY_ADDRESS` must be .*'{address}'"):
        augment(mae, tmp_path, engine="ray")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["no address", "127.0.0.1:port", "a:99999999"])
def test_an_address_that_is_none(monkeypatch, address):
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(OSError, match="RAY_ADDRESS"), engines.ray_cluster():
        pytest.fail("It is not reached.")
    assert not ray.is_initialized()


def test_the_connection_ends_and_the_handlers_of_signals_stay(monkeypatch):
    calls = []

    def init(**arguments):
        signal.signal(signal.SIGTERM, lambda *_: None)
        calls.append("init")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: calls.append("shutdown"))
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyError), engines.ray_cluster():
        assert signal.getsignal(signal.SIGTERM) is handler
        raise KeyError
    assert calls == ["init", "shutdown"]


def test_the_cluster_of_the_user_stays(monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "init", None)
    monkeypatch.setattr(ray, "shutdown", None)
    with engines.ray_cluster():
        pass
