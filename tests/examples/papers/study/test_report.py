"""The files of a report."""

import json

import pytest
from matplotlib.figure import Figure
from study.report import write_report

pytestmark = pytest.mark.once

RECORD = {
    "title": "A title",
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
