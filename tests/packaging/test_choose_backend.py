"""Which backend `import keras_mra` chooses, and what it says."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.once

# Stands in for what is installed: an empty package for each backend, and a Keras that
# is nothing but the variable it would read.
FIRST = """
import sys
sys.path[:] = [p for p in sys.path if "site-packages" not in p]
sys.path.insert(0, "installed")
"""
CHOOSE = """
import importlib.util, os
spec = importlib.util.spec_from_file_location("choose_backend", {path!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.choose_backend()
print(os.environ.get("KERAS_BACKEND"))
assert not set(module.BACKENDS) & set(sys.modules)
"""
PATH = pathlib.Path(__file__).parents[2] / "keras_mra" / "choose_backend.py"


def choose(folder, installed, named=None, configured=None, first=""):
    """Runs `choose_backend` in a process that sees these packages alone.

    Returns:
        `KERAS_BACKEND` afterwards, and what was written to the standard error.
    """
    (folder / "installed").mkdir()
    for name in installed.split():
        (folder / "installed" / name).mkdir()
        (folder / "installed" / name / "__init__.py").touch()
    if configured:
        (folder / "keras.json").write_text(json.dumps({"backend": configured}))
    env = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    env |= {"KERAS_HOME": str(folder)}
    if named is not None:
        env["KERAS_BACKEND"] = named
    done = subprocess.run(
        [sys.executable, "-c", FIRST + first + CHOOSE.format(path=str(PATH))],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize(
    "installed, chosen",
    [
        ("torch", "torch"), ("jax", "jax"), ("tensorflow", "tensorflow"),
        ("torch jax", "jax"), ("torch jax tensorflow", "tensorflow"),
    ],
)  # fmt: skip
def test_what_is_installed_is_chosen_and_named_in_one_line(tmp_path, installed, chosen):
    expected = (
        f"keras_mra uses the backend {chosen}. Set KERAS_BACKEND to choose another.\n"
    )
    assert choose(tmp_path, installed) == (chosen, expected)


@pytest.mark.parametrize("named", ["torch", "jax"])
def test_the_variable_decides_in_silence(tmp_path, named):
    found = choose(tmp_path, "tensorflow jax torch", named, configured="tensorflow")
    assert found == (named, "")


def test_keras_configuration_decides_in_silence(tmp_path):
    # An empty variable is none, as for Keras.
    assert choose(tmp_path, "jax torch", "", configured="torch") == ("", "")


def test_a_configured_backend_that_is_missing_is_named(tmp_path):
    """As after `import keras`, which writes TensorFlow into a new configuration."""
    chosen, line = choose(tmp_path, "torch", configured="tensorflow")
    assert chosen == "torch" and line.count("\n") == 1
    assert f"{tmp_path}/keras.json names tensorflow, which is not installed" in line


def test_a_broken_configuration_is_left_to_keras(tmp_path):
    (tmp_path / "keras.json").write_text("{")
    assert choose(tmp_path, "jax")[0] == "jax"


def test_keras_that_is_imported_has_its_backend(tmp_path):
    imported = "sys.modules['keras'] = sys\n"
    assert choose(tmp_path, "torch", first=imported) == ("None", "")


def test_a_logger_can_silence_the_line(tmp_path):
    first = "import logging; logging.getLogger('keras_mra').setLevel('ERROR')\n"
    assert choose(tmp_path, "torch", first=first) == ("torch", "")


@pytest.mark.parametrize(
    "installed, named, error",
    [
        ("", None, "ImportError: keras_mra needs a backend, and none is installed: pip "
         "install 'keras_mra[tensorflow]' or 'keras_mra[jax]' or 'keras_mra[torch]'"),
        ("", "torch", "ImportError: keras_mra needs a backend"),
        ("jax torch", "tensorflow", "ImportError: `KERAS_BACKEND` must be an installed "
         "backend, here jax or torch, or pip install 'keras_mra[tensorflow]'. "
         "Received: KERAS_BACKEND='tensorflow'"),
        ("torch", "pytorch", "ValueError: `KERAS_BACKEND` must be tensorflow, jax or "
         "torch. Received: KERAS_BACKEND='pytorch'"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(tmp_path, installed, named, error):
    out, text = choose(tmp_path, installed, named)
    assert out == "" and text.splitlines()[-1].startswith(error)


def test_a_folder_of_the_name_is_no_backend(tmp_path):
    """A folder without a module is what pip may leave of a package."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "jax").mkdir()
    assert "none is installed" in choose(tmp_path, "")[1]


def test_the_package_chooses_before_it_imports_keras(tmp_path):
    """With the real Keras, whose configuration says nothing."""
    script = "import keras_mra, keras; print(keras.backend.backend())"
    env = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    env |= {"KERAS_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    hide = "import sys; sys.modules['tensorflow'] = None; sys.modules['jax'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", hide + script],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "torch\n"
    assert "keras_mra uses the backend torch." in done.stderr
