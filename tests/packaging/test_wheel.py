"""The wheel: what is in it, and that it works in an empty environment."""

import email
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest

pytestmark = pytest.mark.once

ROOT = pathlib.Path(__file__).parents[2]
SHIPPED = {
    "mae_nano_fashion_mnist",
    "mae_nano_photos",
    "mae_nano_photos_32",
    "msa_nano_cifar10",
    "msa_nano_fashion_mnist",
}
PRESET_FILES = {"README.md", "config.json", "metadata.json", "model.weights.h5"}
MAX_PRESET_BYTES = 12 * 2**20
CORE = {"keras", "numpy"}
BACKENDS = {"tensorflow", "jax", "torch"}
OPTIONAL = (
    "PIL",
    "cv2",
    "flask",
    "grain",
    "huggingface_hub",
    "keras_cv",
    "matplotlib",
    "safetensors",
    "sklearn",
    "tensorflow_datasets",
    "transformers",
    "typer",
)

# Hides packages that the test environment has, then uses every preset.
USE_PRESETS = """
import sys
from importlib.machinery import PathFinder

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in {absent!r}:
            return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding

import numpy as np
import keras
import keras_mra

print(keras_mra.__version__, keras_mra.__file__, keras.backend.backend(), sep="|")
rng = np.random.default_rng(0)
for preset in {shipped!r}:
    mae = keras_mra.MAE.from_preset(preset)
    images = rng.integers(0, 256, (2, *mae.image_shape), "uint8")
    attention = keras.ops.convert_to_numpy(mae.attention(images))
    assert attention.shape == (2, mae.num_patches), attention.shape
    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-5)
    untrained = keras_mra.MAE.from_preset(preset, load_weights=False)
    other = keras.ops.convert_to_numpy(untrained.attention(images))
    assert np.abs(attention - other).max() > 1e-3
"""


def run(*command, cwd=None, **environment):
    done = finished(*command, cwd=cwd, **environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def finished(*command, cwd=None, **environment):
    """A process that has ended, with its output."""
    # PYTHONPATH would let the checkout stand in for what is missing in the wheel.
    hidden = {"PYTHONPATH", "KERAS_BACKEND"}
    env = {k: v for k, v in os.environ.items() if k not in hidden}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**env, **environment},
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the source archive, so that this is complete too."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel):
    return set(zipfile.ZipFile(wheel).namelist())


def new_environment(folder):
    """Makes an empty environment in a folder. Returns its Python."""
    run(sys.executable, "-m", "venv", folder / "venv")
    return folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An environment with nothing but the wheel, and its `bin` folder.

    The packages that the wheel needs, gigabytes with three backends, are borrowed from
    the test environment through a path file. Our own package is not: the borrowed
    folder comes after the new one's, and path files inside it, as of the editable
    install of the checkout, are not followed.
    """
    python = new_environment(tmp_path_factory.mktemp("empty"))
    run(python, "-m", "pip", "install", "--no-index", "--no-deps", wheel)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (pathlib.Path(site.strip()) / "borrowed.pth").write_text("\n".join(borrowed))
    return python.parent


def test_every_module_is_in_the_wheel_and_no_test(names):
    modules = {str(p.relative_to(ROOT)) for p in ROOT.glob("keras_mra*/**/*.py")}
    assert {n for n in names if n.endswith(".py")} == modules
    assert "keras_mra/py.typed" in names
    page = {f"keras_mra/app/static/{n}" for n in ("index.html", "app.js", "app.css")}
    assert page < names
    assert {
        "keras_mra/app/garments/bag.png",
        "keras_mra/app/garments/README.md",
    } < names
    tops = {n.partition("/")[0] for n in names}
    assert {re.sub(r"-.*\.", ".", top) for top in tops} == {
        "keras_mra",
        "keras_mra_cli",
        "keras_mra.dist-info",
    }


def test_license_and_metadata(wheel, names):
    (info,) = {n.partition("/")[0] for n in names if ".dist-info/" in n}
    with zipfile.ZipFile(wheel) as archive:
        license_text = archive.read(f"{info}/licenses/LICENSE").decode()
        metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
        scripts = archive.read(f"{info}/entry_points.txt").decode()
    assert license_text == (ROOT / "LICENSE").read_text()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Version"] in (ROOT / "keras_mra" / "version.py").read_text()
    assert "keras-mra = keras_mra_cli:main" in scripts
    required = [r for r in metadata.get_all("Requires-Dist") if "extra ==" not in r]
    assert {re.match(r"[\w-]+", r).group() for r in required} == CORE
    assert BACKENDS < set(metadata.get_all("Provides-Extra"))


def test_presets_are_whole_and_small(wheel):
    presets = {}
    for entry in zipfile.ZipFile(wheel).infolist():
        if entry.filename.startswith("keras_mra/presets/"):
            preset, name = entry.filename.split("/")[2:]
            presets.setdefault(preset, {})[name] = entry.file_size
    assert set(presets) == SHIPPED
    for preset, files in presets.items():
        assert set(files) == PRESET_FILES, preset
        assert all(files.values()), preset
    total = sum(sum(files.values()) for files in presets.values())
    assert total < MAX_PRESET_BYTES


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_presets_work_in_an_empty_environment(environment, backend, tmp_path):
    absent = {*OPTIONAL, *BACKENDS} - {backend}
    script = USE_PRESETS.format(absent=absent, shipped=sorted(SHIPPED))
    out = run(environment / "python", "-c", script, cwd=tmp_path, KERAS_BACKEND=backend)
    version, file, used = out.splitlines()[-1].split("|")
    assert version in (ROOT / "keras_mra" / "version.py").read_text()
    assert pathlib.Path(file).is_relative_to(environment.parent)
    assert used == backend


def test_command_line_in_an_empty_environment(environment, tmp_path):
    out = run(environment / "keras-mra", "--help", cwd=tmp_path, KERAS_BACKEND="jax")
    for command in ("demo", "pretrain", "augment"):
        assert command in out


@pytest.fixture(params=["tensorflow-cpu", "jax", "torch"])
def alone(request, wheel, tmp_path):
    """The extra of one backend, and the Python of an environment with nothing else."""
    extra = request.param
    found = finished(sys.executable, "-m", "pip", "index", "versions", extra)
    if found.returncode:
        # The last line is pip's error.
        pytest.skip(f"pip finds no {extra}: {found.stderr.strip().splitlines()[-1]}")
    python = new_environment(tmp_path)
    pinned = ("-c", ROOT / "constraints.txt")
    # Most of what would be compiled is never imported.
    wanted = ("--no-compile", f"{wheel}[cli,{extra}]")
    run(python, "-m", "pip", "install", *pinned, *wanted)
    yield extra.removesuffix("-cpu"), python
    # More than a gigabyte, which pytest would keep.
    shutil.rmtree(python.parents[1])


def test_each_backend_alone_needs_no_variable(alone, tmp_path):
    backend, python = alone
    present = "import importlib.util as u; print([n for n in {} if u.find_spec(n)])"
    assert run(python, "-c", present.format(sorted(BACKENDS))) == f"[{backend!r}]\n"

    def command(*words):
        done = finished(
            python.parent / "keras-mra", *words, cwd=tmp_path, KERAS_HOME=str(tmp_path)
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        assert not re.search(r"[\x1b\b\r]", done.stdout), words
        said = [line for line in done.stderr.splitlines() if "keras_mra" in line]
        return done.stdout, said

    out, said = command("--help")
    assert "pretrain" in out and said == []
    line = f"keras_mra uses the backend {backend}"
    out, said = command("info", "mae_nano_photos")
    assert "585,024" in out
    assert said == [f"{line}. Set KERAS_BACKEND to choose another."]
    _, said = command("demo", "--quick", "--data", "digits")
    # Keras has written TensorFlow into its new configuration.
    assert all(text.startswith(line) for text in said)
    assert len(said) == (backend != "tensorflow")
    results = json.loads((tmp_path / "mra-demo" / "compare.json").read_text())
    assert results["machine"]["backend"] == backend
    assert results["plan"]["epochs"] == 2
    _, said = command("--quiet", "info", "mae_nano_photos")
    assert said == []
