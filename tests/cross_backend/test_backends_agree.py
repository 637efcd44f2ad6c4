"""The same weights and images on each backend, in one process per backend.

Each backend saves once, a classifier that it trained included, and all three load it.

It runs once, whatever the backend of the suite.
"""

import itertools
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.once

BACKENDS = ("tensorflow", "jax", "torch")
HERE = pathlib.Path(__file__).parent

SAVE = """
import sys
sys.path.insert(0, sys.argv[1])
from helpers.models import TINY, randomize
import keras
import numpy as np
import keras_mra

mae = randomize(
    keras_mra.MAE(
        (16, 24, 3), (4, 6), mean=(0.5, 0.4, 0.3), std=0.25, mask_ratio=0.5, **TINY
    )
)
mae.save_to_preset(sys.argv[2] + "/preset")
mae.save(sys.argv[2] + "/mae.keras")

classifier = keras.Sequential(
    [
        keras.Input((16, 24, 3)),
        keras_mra.layers.MaskReconstruct(mae, 0.5, rate=0.5, seed=0),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(3, activation="softmax"),
    ]
)
classifier.compile("adam", "sparse_categorical_crossentropy")
images = np.random.default_rng(1).uniform(0, 255, (12, 16, 24, 3))
classifier.fit(images, np.arange(12) % 3, verbose=0)
classifier.save(sys.argv[2] + "/classifier.keras")
"""


def run(backend, *command):
    process = subprocess.run(
        [sys.executable, *map(str, command)],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, f"{backend}:\n{process.stderr}"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder for each backend: the models that it saved, and what all computed."""
    root = tmp_path_factory.mktemp("saved")
    rng = np.random.default_rng(0)
    np.savez(
        root / "inputs.npz",
        images=rng.integers(0, 256, (4, 16, 24, 3), dtype="uint8"),
        visible=np.stack([rng.permutation(16)[:5] for _ in range(4)]).astype("int32"),
    )
    folders = {backend: root / backend for backend in BACKENDS}
    for backend, folder in folders.items():
        folder.mkdir()
        run(backend, "-c", SAVE, HERE.parent, folder)
    for backend in BACKENDS:
        run(backend, HERE / "compute.py", root / "inputs.npz", *folders.values())
    return folders


@pytest.fixture(params=BACKENDS)
def results(request, folders):
    """Arrays by backend, computed with the models that one of them saved."""
    found = {}
    for backend in BACKENDS:
        with np.load(folders[request.param] / f"{backend}.npz") as file:
            found[backend] = dict(file)
    return found


def test_backends_agree(results):
    for one, other in itertools.combinations(BACKENDS, 2):
        assert results[one].keys() == results[other].keys()
        for name, expected in results[one].items():
            found, where = results[other][name], f"{name}: {one} and {other}"
            assert found.dtype == expected.dtype and found.shape == expected.shape, (
                where
            )
            if name.startswith("masks"):
                np.testing.assert_array_equal(found, expected, err_msg=where)
                continue
            # Bytes may be rounded the other way; pixels are 255 times the tolerance.
            tolerance = {"reconstruct_bytes": 1, "reconstruct_floats": 255e-4}
            np.testing.assert_allclose(
                found.astype("float64"),
                expected.astype("float64"),
                rtol=0,
                atol=tolerance.get(name, 1e-4),
                err_msg=where,
            )


def test_the_results_are_not_trivial(results):
    for arrays in results.values():
        assert np.isfinite(arrays["encode"]).all() and arrays["encode"].std() > 0.1
        assert np.ptp(arrays["attention"], axis=1).min() > 1e-3
        assert arrays["reconstruction_loss"] > 0.1
        np.testing.assert_allclose(
            arrays["encode_from_keras_file"], arrays["encode"], atol=1e-6
        )
        np.testing.assert_allclose(
            arrays["augmentor_encode"], arrays["encode"], atol=1e-6
        )
        assert arrays["classify"].std() > 0.01
