"""The notebook runs from top to bottom, and holds the pictures of a run."""

import contextlib
import io
import json
import pathlib

import pytest

NOTEBOOK = pathlib.Path(__file__).parents[2] / "examples" / "photographs.ipynb"


def cells():
    return [
        cell
        for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]


def test_the_notebook_runs():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names, printed = {"__name__": "__main__"}, io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            for cell in cells():
                lines = (line for line in cell["source"] if line[0] != "%")
                exec("".join(lines), names)
        assert len(pyplot.get_fignums()) == 2
    finally:
        pyplot.close("all")
    assert "Telea's inpainting" in printed.getvalue()
    kept, views = names["large"], names["views"]
    assert views.shape == kept.shape and (views != kept).any()


@pytest.mark.once
def test_the_notebook_holds_the_pictures_of_a_whole_run():
    assert [cell["execution_count"] for cell in cells()] == list(
        range(1, len(cells()) + 1)
    )
    kinds = [set(out.get("data", {})) for cell in cells() for out in cell["outputs"]]
    assert sum("image/png" in kind for kind in kinds) == 4
