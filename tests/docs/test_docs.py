"""Every Python block of README.md and of `docs/` runs.

The blocks of a page run in order and share their names, in an empty folder. A block
that no test can run is preceded by a line that says why, `<!-- not run: REASON -->`.
"""

import collections
import pathlib
import re

import huggingface_hub
import keras
import pytest
from helpers import hugging_face
from helpers.pages import FENCE

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# How many blocks of a page do not run.
NOT_RUN = {"docs/scaling.md": 3}
# Pages that train or draw run on one backend. JAX and TensorFlow compile each model,
# for longer than it then trains: most of these pages are PyTorch's.
TURNS = {
    "README.md": "torch",
    "docs/augment_classifier.md": "tensorflow",
    "docs/compare.md": "torch",
    "docs/evaluate.md": "torch",
    "docs/mra.md": "torch",
    "docs/msa.md": "torch",
    "docs/pretrain.md": "torch",
    "docs/scaling.md": "torch",
    "docs/weights.md": "tensorflow",
}

Block = collections.namedtuple("Block", "line reason language code")


def blocks(page):
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            line=text.count("\n", 0, match.start("code")),
            reason=match["reason"],
            language=match["language"].strip(),
            code=match["code"],
        )
        for match in FENCE.finditer(text)
    ]


def name(page):
    return page.relative_to(ROOT).as_posix()


def runnable(page):
    return [b for b in blocks(page) if b.language == "python" and b.reason is None]


@pytest.fixture
def hub(tmp_path_factory, monkeypatch):
    """A Hugging Face hub with one small ViTMAE, of random weights."""
    folder = tmp_path_factory.mktemp("hub")
    hugging_face.make().save_pretrained(folder)
    files = [path.name for path in folder.iterdir()]
    monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda *a, **k: files)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **k: folder)


@pytest.mark.parametrize("page", filter(runnable, PAGES), ids=name)
def test_blocks_run(page, few_images, hub, tmp_path, monkeypatch):
    turn = TURNS.get(name(page), keras.backend.backend())
    if turn != keras.backend.backend():
        pytest.skip(f"Runs on {turn}.")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    for block in runnable(page):
        # Blank lines before it, so that a traceback shows the line of the page.
        code = compile("\n" * block.line + block.code, str(page), "exec")
        exec(code, namespace)


def test_blocks_that_do_not_run_say_why():
    found = {}
    for page in PAGES:
        reasons = [b.reason for b in blocks(page) if b.reason is not None]
        assert all(reason.strip() for reason in reasons), name(page)
        assert all(b.language == "python" for b in blocks(page) if b.reason is not None)
        # A marker anywhere else would mark nothing.
        text = page.read_text(encoding="utf-8")
        assert text.count("<!-- not run") == len(reasons), name(page)
        if reasons:
            found[name(page)] = len(reasons)
    assert found == NOT_RUN


def test_blocks_are_python_or_shell():
    # `py`, or a fence that is left open, would hide a block from the test above.
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fences = re.findall(r"^ *```", text, re.MULTILINE)
        assert len(fences) == 2 * len(blocks(page)), name(page)
        assert {b.language for b in blocks(page)} <= {"", "python", "sh"}, name(page)


@pytest.mark.once
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_keras_is_imported_after_the_backend_is_chosen(page):
    code = "".join(b.code for b in blocks(page) if b.language == "python")
    imported = re.findall(r"^ *(?:import|from) (keras(?:_mra)?)\b", code, re.MULTILINE)
    assert "keras" not in imported or imported[0] == "keras_mra"
