"""`keras-mra app`: its options, and what it says when it cannot start."""

import importlib
import sys

import pytest

pytest.importorskip("typer")
from typer.testing import CliRunner  # noqa: E402

from keras_mra_cli.commands import app  # noqa: E402

pytestmark = pytest.mark.once


def run(command):
    return CliRunner().invoke(app, command)


@pytest.fixture
def served(monkeypatch):
    """What `app` passes to the function that would serve it."""
    served = []
    module = importlib.import_module("keras_mra.app.serve")
    monkeypatch.setattr(module, "serve", lambda *a, **k: served.append((*a, k)))
    return served


@pytest.mark.parametrize(
    "options, expected",
    [
        ([], ("127.0.0.1", 8600, {"open_browser": True})),
        (
            ["--host", "0.0.0.0", "--port", "0", "--no-browser"],
            ("0.0.0.0", 0, {"open_browser": False}),
        ),
    ],
)
def test_app_serves_a_preset(served, preset, options, expected):
    result = run(["app", preset, *options])
    assert result.exit_code == 0, result.output
    ((mae, *arguments),) = served
    assert mae.image_shape == (8, 12, 3)
    assert arguments == [preset, *expected]


@pytest.mark.parametrize(
    "arguments, code, expected",
    [
        (["mae_nano"], 1, "without weights"),
        (["nothing"], 1, "nothing"),
        (["mae_nano_photos", "--port", "70000"], 2, "65535"),
        ([], 2, "Missing argument"),
    ],
)
def test_app_names_what_is_wrong(served, arguments, code, expected):
    result = run(["app", *arguments])
    assert result.exit_code == code and expected in result.output
    assert not served


def test_app_without_flask(monkeypatch):
    for name in [n for n in sys.modules if n.startswith("keras_mra.app")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flask", None)
    result = run(["app", "mae_nano_photos"])
    assert result.exit_code == 1
    assert "pip install 'keras_mra[app]'" in result.output
    assert result.output.count("\n") == 1
