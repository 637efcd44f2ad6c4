"""The server: where it listens, and what it prints."""

import http.client
import importlib
import threading

import pytest
from helpers.visitor import running

from keras_mra.app import create_app
from keras_mra.app import serve as serve_app
from keras_mra.app.serve import address_of
from keras_mra.app.serve import is_loopback
from keras_mra.app.serve import listen

pytestmark = pytest.mark.once
# The package has a function of this name.
MODULE = importlib.import_module("keras_mra.app.serve")


@pytest.fixture(scope="module")
def server(mae):
    server = listen(mae, "mine", "127.0.0.1", 0)
    with running(server):
        yield server


def test_a_free_port_of_this_machine(server):
    host, port = server.socket.getsockname()
    assert host == "127.0.0.1" and port > 0
    assert address_of(server) == f"http://127.0.0.1:{port}/"


def test_the_limits_are_those_of_the_server(server):
    for name, value in MODULE.LIMITS.items():
        assert getattr(server.adj, name) == value


def test_a_port_that_is_taken(server, mae):
    with pytest.raises(OSError, match="in use"):
        listen(mae, "mine", *server.socket.getsockname())


def test_a_host_that_does_not_exist(mae):
    with pytest.raises(OSError):
        listen(mae, "mine", "no host", 0)


def test_a_large_request_is_answered(server):
    """The connection must not break before the browser reads why."""
    host, port = server.socket.getsockname()
    connection = http.client.HTTPConnection(host, port, timeout=20)
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    connection.request("POST", "/repaint", body=b"0" * 20 * 2**20, headers=kind)
    response = connection.getresponse()
    assert response.status == 413
    assert b"`picture` must be a file of at most 16 MB." in response.read()
    connection.close()


@pytest.mark.parametrize(
    "host, expected",
    [
        ("127.0.0.1", True), ("127.0.0.2", True), ("::1", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.1", False),
    ],
)  # fmt: skip
def test_is_loopback(host, expected):
    assert is_loopback(host) is expected


class Listening:
    """Stands for a server, which would not return, and for its socket."""

    def __init__(self, host):
        self.host, self.socket = host, self

    def getsockname(self):
        return self.host, 5

    def run(self):
        pass


@pytest.mark.parametrize(
    "host, address, hosts",
    [
        ("127.0.0.1", "http://127.0.0.1:5/", {"127.0.0.1", "::1", "localhost"}),
        ("127.0.0.2", "http://127.0.0.2:5/",
         {"127.0.0.1", "127.0.0.2", "::1", "localhost"}),
        # Another spelling of the first, as a name of this machine could be.
        ("127.1", "http://127.0.0.1:5/", {"127.0.0.1", "127.1", "::1", "localhost"}),
        ("LOCALHOST", "http://127.0.0.1:5/",
         {"127.0.0.1", "::1", "localhost", "LOCALHOST"}),
        ("::1", "http://[::1]:5/", {"127.0.0.1", "::1", "localhost"}),
        ("0.0.0.0", "http://127.0.0.1:5/", None),
        ("::", "http://[::1]:5/", None),
    ],
)  # fmt: skip
def test_it_says_where_it_is(monkeypatch, capsys, mae, host, address, hosts):
    opened, allowed = [], []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url))
    monkeypatch.setattr(MODULE, "create_server", lambda *_, host, **o: Listening(host))
    monkeypatch.setattr(
        MODULE,
        "create_app",
        lambda *args: allowed.append(args[2]) or create_app(*args),
    )
    serve_app(mae, "mine", host, 0)
    assert not opened and allowed == [hosts]
    out = capsys.readouterr().out
    assert address in out and ("Everyone" in out) == (hosts is None)


def test_it_opens_a_browser(monkeypatch, mae):
    opened = threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda url: opened.set())
    monkeypatch.setattr(MODULE, "create_server", lambda *_, host, **o: Listening(host))
    serve_app(mae, "mine", port=0, open_browser=True)
    assert opened.wait(5)
