"""What is imported: little from outside, and inside the package only downwards."""

import ast
import json
import os
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).parents[2] / "keras_mra"
OPTIONAL = {
    "PIL",
    "grain",
    "huggingface_hub",
    "keras_cv",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "safetensors",
    "sklearn",
    "tensorboard",
    "tensorflow_datasets",
    "tf2onnx",
    "transformers",
    "typer",
}
BACKENDS = {"tensorflow", "jax", "torch"}

# Keras imports some of these itself where they are installed: only what comes on top
# of it is ours.
SCRIPT = """
import json, sys
import keras
before = {name.partition(".")[0] for name in sys.modules}
import keras_mra
after = {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted(after - before)))
"""


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_import_brings_no_optional_package_and_no_other_backend(backend, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "KERAS_BACKEND": backend},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    brought = set(json.loads(run.stdout.splitlines()[-1]))
    assert "keras_mra" in brought
    assert not brought & (OPTIONAL | BACKENDS - {backend})


# As in CONTRIBUTING.md: a row imports from itself and from the rows above.
ROWS = [
    {"version"},
    {
        "checks",
        "backend",
        "patches",
        "positions",
        "masking",
        "pixels",
        "machine",
        "resampling",
        "pooling",
        "losses",
        "learning_rate",
    },
    {"datasets", "weights"},
    {"distribution"},
    {"layers"},
    {"views"},
    {"export"},
    {"models"},
    {"evaluation"},
    {"pretrain"},
    {"augment_folder"},
    {"visualization"},
    {"experiments"},
]
# What users import, and what they type, stand above everything.
TOPS = {"__init__", "cli"}


def imported_parts(path):
    """Names of the modules and packages of ours that a file imports from."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module == "keras_mra":
            names = [f"keras_mra.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name == "keras_mra" or name.startswith("keras_mra."):
                yield name.partition(".")[2].partition(".")[0]


def test_imports_run_one_way():
    height = {part: i for i, row in enumerate(ROWS) for part in row}
    upward = []
    for path in sorted(PACKAGE.glob("**/*.py")):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part in TOPS:
            continue
        for target in imported_parts(path):
            if height.get(target, len(ROWS)) > height[part]:
                upward.append(f"{path.relative_to(PACKAGE)} imports {target!r}")
    assert not upward
