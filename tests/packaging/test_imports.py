"""Imports: few from outside, and inside the package in one direction, file by file."""

import ast
import graphlib
import json
import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.once

PACKAGE = pathlib.Path(__file__).parents[2] / "keras_mra"
COMMANDS = PACKAGE.with_name("keras_mra_cli")
OPTIONAL = {
    "PIL",
    "cv2",
    "flask",
    "fsspec",
    "grain",
    "huggingface_hub",
    "keras_cv",
    "keras_hub",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "pandas",
    "playwright",
    "pyarrow",
    "ray",
    "rich",
    "s3fs",
    "safetensors",
    "scipy",
    "sklearn",
    "tensorboard",
    "tensorflow_datasets",
    "tf2onnx",
    "transformers",
    "typer",
    "werkzeug",
}
BACKENDS = {"tensorflow", "jax", "torch"}
# Where a backend may be imported: see CONTRIBUTING.md.
BACKEND_IMPORTERS = {"backend", "distribution", "export"}

# Keras imports some of these itself where they are installed: only what is imported in
# addition is ours.
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


# As in CONTRIBUTING.md: a row imports from the rows above it alone, and a package from
# itself. The modules of one row do not import each other.
ROWS = [
    ["version", "typing", "choose_backend"],
    ["machine"],
    ["backend"],
    ["checks"],
    ["files"],
    ["engines"],
    [
        "masking",
        "patches",
        "positions",
        "pixels",
        "losses",
        "optimizers",
        "fitting_patch",
    ],
    ["smooth_fill"],
    ["vit"],
    ["datasets", "weights"],
    ["distribution"],
    ["views"],
    ["models"],
    ["layers"],
    ["export", "evaluation", "augment"],
    ["visualization", "classifiers"],
    ["pretrain"],
    ["comparison", "app"],
    ["__init__"],
]
HEIGHT = {part: i for i, row in enumerate(ROWS) for part in row}


def name_of(path):
    """The dotted name of a file below the package: `models.mae`, `models`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and parts[1:] else parts)


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported_modules(name):
    """Names of the files that a file imports anywhere, functions included."""
    found = set()
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            module = node.module or ""
            if module.partition(".")[0] != "keras_mra":
                continue
            for alias in node.names:
                inner = f"{module}.{alias.name}".partition(".")[2]
                found.add(inner if inner in FILES else module.partition(".")[2])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "keras_mra":
                    found.add(alias.name.partition(".")[2])
    return {module or "__init__" for module in found}


def files_run_by(name):
    """What importing a file of another package runs: that file and its packages."""
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def top(name):
    return name.partition(".")[0]


def graph():
    """The files that each file imports, as a dict of sets."""
    edges = {}
    for name in FILES:
        edges[name] = set()
        for module in imported_modules(name):
            same_package = top(module) == top(name)
            edges[name] |= {module} if same_package else set(files_run_by(module))
    return edges


def test_every_part_has_a_row():
    assert {top(name) for name in FILES} == set(HEIGHT)


def test_no_file_is_in_a_cycle():
    # Raises an error that names the cycle.
    order = list(graphlib.TopologicalSorter(graph()).static_order())
    assert set(order) >= set(FILES)


def test_imports_run_one_way():
    wrong = [
        f"{name} imports {module}"
        for name, modules in graph().items()
        for module in modules
        if top(module) != top(name) and HEIGHT[top(module)] >= HEIGHT[top(name)]
    ]
    assert not wrong


def test_a_backend_is_imported_in_its_places_only():
    wrong = []
    for name, path in FILES.items():
        if top(name) in BACKEND_IMPORTERS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            wrong += [
                f"{name} imports {module}"
                for module in modules
                if top(module) in BACKENDS
            ]
    assert not wrong


HELP = """
import sys
import keras_mra_cli
try:
    keras_mra_cli.main()
except SystemExit as end:
    assert not end.code, end.code
heavy = {"keras", "keras_mra", "numpy", "matplotlib", "jax", "tensorflow", "torch"}
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    "words, expected",
    [
        ("--version", "keras_mra "),
        ("--help", "pretrain"),
        *[(f"{path.stem.removesuffix('_command')} --help", "Show this message")
          for path in sorted(COMMANDS.glob("*_command.py"))],
    ],
)  # fmt: skip
def test_help_imports_nothing_heavy(words, expected, terminal):
    pretend = "sys.stdout.isatty = sys.stderr.isatty = lambda: True\n"
    script = HELP.replace("import sys\n", "import sys\n" + pretend * terminal)
    run = subprocess.run(
        [sys.executable, "-c", script, *words.split()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    *lines, heavy = run.stdout.splitlines()
    assert heavy == "[]"
    assert any(expected in line for line in lines)
    # Boxes are for a terminal.
    assert run.stdout.isascii() != (terminal and words != "--version")


def test_files_are_short():
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in [*FILES.values(), *COMMANDS.rglob("*.py")]
    }
    assert not {path: n for path, n in lengths.items() if n > 400}


def test_no_two_files_share_a_name():
    """`keras_mra.layers.mask_reconstruct` is the only `mask_reconstruct.py`."""
    seen, twice = {}, []
    for name in FILES:
        last = name.rpartition(".")[2]
        if last in seen:
            twice.append((seen[last], name))
        seen[last] = name
    assert not [pair for pair in twice if set(map(top, pair)) != {"distribution"}]
