"""The server: where it listens, and what it prints."""

import http.client
import importlib
import threading

import pytest

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
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


def test_a_free_port_of_this_machine(server):
    assert server.server_address[0] == "127.0.0.1" and server.port > 0
    assert address_of(server) == f"http://127.0.0.1:{server.port}/"


def test_a_large_request_is_answered(server):
    """The connection must not break before the browser reads why."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    connection.request("POST", "/repaint", body=b"0" * 20 * 2**20, headers=kind)
    response = connection.getresponse()
    assert response.status == 413
    assert b"`picture` must be a file of at most 16 MB." in response.read()
    connection.close()


@pytest.mark.parametrize(
    "host, expected",
    [
        ("127.0.0.1", True), ("127.0.0.2", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("a.example", False),
    ],
)  # fmt: skip
def test_is_loopback(host, expected):
    assert is_loopback(host) is expected


class Listening:
    """Stands for a server, which would not return."""

    port = 5

    def __init__(self, host):
        self.host = host

    def serve_forever(self):
        pass


@pytest.mark.parametrize(
    "host, address, hosts",
    [
        ("127.0.0.1", "http://127.0.0.1:5/", {"127.0.0.1", "::1", "localhost"}),
        ("127.0.0.2", "http://127.0.0.2:5/",
         {"127.0.0.1", "127.0.0.2", "::1", "localhost"}),
        ("::1", "http://[::1]:5/", {"127.0.0.1", "::1", "localhost"}),
        ("0.0.0.0", "http://127.0.0.1:5/", None),
        ("::", "http://[::1]:5/", None),
    ],
)  # fmt: skip
def test_it_says_where_it_is(monkeypatch, capsys, mae, host, address, hosts):
    opened, allowed = [], []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url))
    monkeypatch.setattr(MODULE, "BoundedServer", lambda host, *a: Listening(host))
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
    monkeypatch.setattr(MODULE, "BoundedServer", lambda host, *a: Listening(host))
    serve_app(mae, "mine", port=0, open_browser=True)
    assert opened.wait(5)
