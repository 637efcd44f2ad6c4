"""Requests that the app refuses, and its answers to them."""

import flask
import pytest
from helpers.visitor import Visitor
from helpers.visitor import encoded

from keras_mra.app.guard_app import guard_app

pytestmark = pytest.mark.once
HOSTS = ("127.0.0.1", "::1", "localhost")


def guarded(hosts=HOSTS, max_bytes=2**20):
    app = flask.Flask("guarded", static_folder=None)
    guard_app(app, hosts, max_bytes)

    @app.get("/")
    def page():
        return "A page."

    @app.get("/bug")
    def bug():
        raise RuntimeError("a secret")

    @app.post("/repaint")
    def repaint():
        return str(len(flask.request.files["picture"].read()))

    return app


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8600", "127.0.0.1:1", "[::1]:1"]
)
def test_own_hosts(host):
    assert Visitor(guarded(), host).get("/").status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8600", "localhost.evil.example", "10.0.0.1", "[::1"],
)
def test_another_host_may_be_one_that_was_rebound(host):
    response = Visitor(guarded()).get("/", Host=host)
    assert response.status_code == 403
    assert response.json["error"].startswith("The host must be 127.0.0.1 or")
    assert Visitor(guarded(hosts=None)).get("/", Host=host).status_code == 200


@pytest.mark.parametrize(
    "origin, status",
    [
        ("http://localhost", 200),
        ("http://localhost:1", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
@pytest.mark.parametrize("hosts", [HOSTS, None])
def test_pages_of_other_sites_cannot_ask(hosts, origin, status):
    response = Visitor(guarded(hosts)).get("/", Origin=origin)
    assert response.status_code == status
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    "path, site, status",
    [
        ("/", "cross-site", 200),  # a link
        ("/bug", "cross-site", 403),
        ("/bug", "same-origin", 500),
    ],
)
def test_pages_of_other_sites_can_only_link(path, site, status):
    response = Visitor(guarded()).get(path, **{"Sec-Fetch-Site": site})
    assert response.status_code == status


@pytest.mark.parametrize("path", ["/", "/nothing", "/bug"])
def test_every_answer_has_the_headers(path):
    headers = Visitor(guarded()).get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'; img-src 'self' data:;" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path, status", [("/nothing", 404), ("/repaint", 405), ("/bug", 500)]
)
def test_errors_are_one_sentence(path, status):
    response = Visitor(guarded()).get(path)
    assert response.status_code == status
    error = response.json["error"]
    assert error.endswith(".") and error.count(".") == 1
    assert "secret" not in response.text


def test_a_large_file():
    visitor = Visitor(guarded())
    assert visitor.repaint(b"0" * 2**20).text == str(2**20)
    response = visitor.repaint(b"0" * (2**20 + 2**16))
    assert response.status_code == 413
    assert response.json["error"] == "`picture` must be a file of at most 1 MB."


def test_a_large_field_beside_a_small_file(pixels):
    response = Visitor(guarded()).repaint(encoded(pixels), seed="9" * 600_000)
    assert response.status_code == 413
    assert response.json["error"].startswith("The form must have fewer or shorter")


def test_many_small_fields(pixels):
    fields = {f"field{i}": "x" for i in range(1001)}
    response = Visitor(guarded()).repaint(encoded(pixels), **fields)
    assert response.status_code == 413
    assert response.json["error"].startswith("The form must have fewer or shorter")
