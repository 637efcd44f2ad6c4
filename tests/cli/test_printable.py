"""Text of strangers that a terminal would obey, or that would imitate a message."""

import json
import pathlib
import shutil

import pytest

pytest.importorskip("typer")
import typer  # noqa: E402
from helpers.commands import run  # noqa: E402

from keras_mra_cli.list_files import list_files  # noqa: E402
from keras_mra_cli.printable import printable  # noqa: E402

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a b\u00a0é漢", "a b\u00a0é漢"),
        ("bell\a, clear\x1b[2J", r"bell\x07, clear\x1b[2J"),
        ("two\r\nlines\u2028or\x85more", r"two\r\nlines\u2028or\x85more"),
        ("right to left \u202egnp.exe", r"right to left \u202egnp.exe"),
        ("no text \udcff", r"no text \udcff"),
        (None, "None"),
    ],
)
def test_characters_that_are_not_seen(text, expected):
    assert printable(text) == expected


def test_info_prints_one_line_for_each_fact(preset, tmp_path):
    path = pathlib.Path(shutil.copytree(preset, tmp_path / "mine"))
    description = {"description": "A \x1b[31mred\nlicense           MIT\a"}
    (path / "metadata.json").write_text(json.dumps(description))
    (path / "README.md").write_text("Trained on `a\x07\u202eb`.")
    lines = run(["info", str(path)]).output.splitlines()
    assert r"description       A \x1b[31mred\nlicense           MIT\x07" in lines
    assert r"training data     a\x07\u202eb" in lines
    assert "license           not told" in lines


def test_a_list_of_files_has_one_line_for_each(capsys):
    with pytest.raises(typer.Exit):
        list_files([("a\nfailed: b", "no\rreason")], [("c\x1b", "a\nlink")])
    assert capsys.readouterr().err.splitlines() == [
        r"failed: a\nfailed: b: no\rreason",
        r"left out: c\x1b: a\nlink",
    ]
