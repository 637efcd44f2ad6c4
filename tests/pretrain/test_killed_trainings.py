"""Trainings that are killed at any of their writes end as if they had not been."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from helpers.small_pretraining import EPOCHS
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import assert_same_run
from helpers.small_pretraining import make_images
from helpers.small_pretraining import pretrain_at_random

import keras_mra

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("quick_compilation"),
    pytest.mark.filterwarnings("ignore:.*continues from the state before it"),
]

# Each on three backends, for two methods.
KILLS = 2
# A saved epoch writes about a dozen times.
WRITES = 12 * EPOCHS


def pretrain_msa_at_random(ds, **arguments):
    return keras_mra.pretrain_msa(
        ds, "mae_nano", (8, 8, 1), 2, EPOCHS, 4, learning_rate=0.05, seed=3, verbose=0,
        hidden_dim=8, projection_dim=4, **SMALL, **arguments,
    )  # fmt: skip


METHODS = {"mae": pretrain_at_random, "msa": pretrain_msa_at_random}

SCRIPT = """
import sys
sys.path.append(sys.argv[1])
import conftest  # of all tests
import test_killed_trainings as tests
from helpers import killed

images = tests.make_images()
killed.arm(int(sys.argv[4]))
tests.METHODS[sys.argv[2]](images, checkpoint=sys.argv[3])
"""


@pytest.mark.graph
@pytest.mark.parametrize("method", METHODS)
def test_a_training_that_is_killed_again_and_again(tmp_path, method):
    rng = np.random.default_rng(len(method))
    killed = 0
    for number in rng.integers(0, WRITES // 2, KILLS):
        process = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(pathlib.Path(__file__).parent), method]
            + [str(tmp_path), str(number)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert process.returncode in (0, -9), process.stderr
        killed += process.returncode == -9
    assert killed
    train = METHODS[method]
    resumed = train(make_images(), checkpoint=tmp_path)
    assert_same_run(resumed, train(make_images()))
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".mra")]
