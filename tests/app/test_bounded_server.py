"""Connections that are many, or that send nothing."""

import contextlib
import http.client
import json
import socket
import threading

import pytest

from keras_mra.app import bounded_server
from keras_mra.app.bounded_server import BoundedServer
from keras_mra.app.bounded_server import QuietHandler

pytestmark = pytest.mark.once


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return [environ["wsgi.input"].read(length) or b"ok"]


@contextlib.contextmanager
def listening():
    server = BoundedServer("127.0.0.1", 0, app, QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()


def silent(port):
    """A visitor who does not send the whole request."""
    visitor = socket.create_connection(("127.0.0.1", port), 20)
    visitor.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1")
    return visitor


def ask(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        response = connection.getresponse()
        return response.status, response.read()


def test_connections_are_bounded(monkeypatch):
    monkeypatch.setattr(bounded_server, "CONNECTIONS", 3)
    with listening() as port:
        visitors = [silent(port) for _ in range(3)]
        for _ in range(2):
            status, body = ask(port)
            assert status == 503
            assert json.loads(body)["error"].startswith("The server is busy")
        for visitor in visitors:
            visitor.close()
        for _ in range(200):  # Their threads end soon.
            if ask(port)[0] == 200:
                break
        for _ in range(9):  # No place was lost.
            assert ask(port) == (200, b"ok")


def test_silent_visitors_are_left(monkeypatch):
    monkeypatch.setattr(QuietHandler, "timeout", 0.2)
    with listening() as port:
        for visitor in (silent(port), socket.create_connection(("127.0.0.1", port))):
            visitor.settimeout(20)
            with visitor:
                while visitor.recv(2**16):
                    pass  # until the server closes the connection


def test_a_thread_that_does_not_start_holds_no_place(monkeypatch, capsys):
    monkeypatch.setattr(bounded_server, "CONNECTIONS", 1)
    with listening() as port:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", lambda _: 1 / 0)
            with pytest.raises(http.client.HTTPException):
                ask(port)
        assert ask(port) == (200, b"ok")
