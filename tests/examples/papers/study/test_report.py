"""The files of a report."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from study.report import write_report

pytestmark = pytest.mark.once

RECORD = {
    "title": "A title",
    "quick": False,
    "command": "python examples/papers/supervised.py --seeds 3 4",
    "machine": {
        "processor": "A processor",
        "cores": 2,
        "packages": {"keras": "3.15.1", "numpy": "2.0"},
        "python": "3.11",
    },
    "data": "digits",
    "image_shape": (8, 8, 1),
    "train_images": 1500,
    "judged_on": "the test images (297)",
    "seeds": [3, 4],
    "settings": {"learning_rate": 0.002, "arms": ["none"]},
    "runs": {"none": [{"test error": 0.5}]},
}


def test_a_report_is_markdown_json_and_pictures(tmp_path):
    folder = tmp_path / "new" / "results"
    tables = {"## Table": "| % |\n|---|\n| 1 |"}
    text = write_report(folder, "study", RECORD, tables, {"": Figure(), "b": Figure()})
    assert sorted(path.name for path in folder.iterdir()) == [
        "study.json", "study.md", "study.png", "study_b.png",
    ]  # fmt: skip
    assert (folder / "study.md").read_text() == text + "\n"
    assert text.split("\n\n") == [
        "# A title",
        "    python examples/papers/supervised.py --seeds 3 4",
        "digits, images of 8x8x1; 1,500 to train on; judged on the test images (297). "
        "2 seeds: mean ± standard deviation; differences are taken seed by seed, with "
        "the 95 % t-interval of their mean. "
        "A processor, 2 cores, keras 3.15.1, numpy 2.0, Python 3.11.",
        "## Table",
        "| % |\n|---|\n| 1 |",
        "![A title](study.png)",
        "![b](study_b.png)",
        "| setting       | value    |\n"
        "|---------------|----------|\n"
        "| learning_rate | 0.002    |\n"
        "| arms          | ['none'] |",
    ]
    saved = json.loads((folder / "study.json").read_text())
    assert saved == {**RECORD, "image_shape": [8, 8, 1]}
    for name in ("study.png", "study_b.png"):
        assert (folder / name).read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_figures_of_a_quick_run_say_so(tmp_path, layout):
    def written(quick):
        figure = Figure(figsize=(2.6, 2), layout=layout)
        figure.suptitle("a title")
        figure.subplots()
        write_report(tmp_path, "study", {**RECORD, "quick": quick}, {}, {"": figure})
        picture = np.asarray(Image.open(tmp_path / "study.png").convert("RGB"))
        return figure, picture

    figure, whole = written(False)
    texts = [text.get_text() for text in figure.texts]
    assert texts == ["a title"] and whole.shape == (240, 312, 3)
    figure, quick = written(True)
    assert "quick run" in figure.texts[-1].get_text()
    # The note stands above the figure, which stays as it was, inside the picture.
    added = len(quick) - len(whole)
    assert quick.shape[1] == whole.shape[1] and 30 < added < 60
    np.testing.assert_array_equal(quick[added:], whole)
    inked = (quick[:added] < 255).any(-1)
    assert inked.sum() > 200
    assert not inked[0].any() and not inked[:, [0, -1]].any()
