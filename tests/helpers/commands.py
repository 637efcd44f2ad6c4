"""Runs of the command line."""

import re

import pytest

pytest.importorskip("typer")
from typer.testing import CliRunner  # noqa: E402

from keras_mra_cli.commands import app  # noqa: E402


def run(command):
    """Runs a command whose output is no terminal."""
    result = CliRunner().invoke(app, command)
    # Lines that any file can hold.
    assert not re.search(r"[\x1b\b\r─│╭╰]", result.output), result.output
    return result
