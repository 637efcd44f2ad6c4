"""What the tests share. `KERAS_BACKEND` chooses the backend, TensorFlow by default."""

import gc
import itertools
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Threads of small operations that wait for each other are slower than one, above all
# beside the other processes of `make test`. What tests start inherits it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if os.environ["KERAS_BACKEND"] == "jax":
    # Nearly all the time goes into compiling the same small steps, run after run.
    _compiled = pathlib.Path(__file__).parents[1] / "build" / "jax-compiled"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_compiled))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

try:
    # TensorFlow first, then torch, can abort: both register the same LLVM options.
    import torch
except ImportError:
    pass
else:
    torch.set_num_threads(1)

import keras
import numpy as np
import pytest
from helpers import stores

from keras_mra import backend

# XLA takes longer to optimise these small programs than they run, in TensorFlow too.
os.environ.setdefault("XLA_FLAGS", backend.XLA_QUICKLY)


# Most tests run on every backend, and those marked `once` on one. These files train or
# draw with parts that are tested on every backend elsewhere: they run on one in turn,
# as do the scripts in `tests/examples` and the pages in `tests/docs`.
TURNS = {
    "classifiers/networks/test_build_network.py": "torch",
    "classifiers/test_predictions.py": "torch",
    "cli/test_run_demo.py": "tensorflow",
    "comparison/test_compare.py": "torch",
    "examples/papers/study/test_arms.py": "torch",
    "examples/papers/study/test_augmentations.py": "tensorflow",
    "examples/papers/study/test_encoders.py": "torch",
    "examples/papers/study/test_fixmatch.py": "jax",
    "examples/papers/study/test_protocols.py": "tensorflow",
    "examples/papers/study/vqa/test_build_vqa.py": "torch",
    "visualization/test_picture_grids.py": "torch",
    "visualization/test_plot_inspection.py": "torch",
    "visualization/test_reconstruction_logger.py": "tensorflow",
}


def pytest_collection_modifyitems(items):
    for item in items:
        place = item.path.relative_to(pathlib.Path(__file__).parent).as_posix()
        turn = TURNS.get(place, keras.backend.backend())
        if turn != keras.backend.backend() and not item.get_closest_marker("once"):
            item.add_marker(pytest.mark.skip(reason=f"Runs on {turn}."))


def pytest_collection_finish():
    # What the imports have made stays: half a million objects, not to be looked at by
    # every collection.
    gc.collect()
    gc.freeze()


_MODULES = itertools.count(1)


@pytest.fixture(autouse=True, scope="module")
def collected():
    """Frees what modules of tests leave, so that later collections look at less."""
    yield
    if next(_MODULES) % 8 == 0:
        gc.collect()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def s3_address():
    with stores.s3_server() as address:
        yield address


@pytest.fixture
def bucket(s3_address, monkeypatch):
    """The URL of a new bucket of an S3 server on this machine."""
    stores.use_s3(monkeypatch, s3_address)
    return stores.new_bucket()


@pytest.fixture
def memory():
    """The URL of an empty folder in the memory of this process."""
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").store.clear()
    yield "memory://folder"
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def few_images(monkeypatch):
    """Lets `fashion_mnist` be a few digits of its size: no page needs the real one."""
    import keras_mra
    from keras_mra.datasets import fashion_mnist

    digits = keras_mra.datasets.load("digits", image_shape=(28, 28, 1))
    train, test = (
        [part[:256] for part in split] for split in (digits.train, digits.test)
    )
    monkeypatch.setattr(
        fashion_mnist, "load_fashion_mnist", lambda: (train, test, "digits")
    )


@pytest.fixture
def quick_compilation(monkeypatch, request):
    """Spares tests of a few steps TensorFlow's seconds of tracing and compiling.

    Those marked `graph` are traced, as short trainings are for users; those marked
    `xla` are compiled, as long ones are.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    marks = {"graph", "xla"} & set(request.keywords)
    if "xla" in marks:
        monkeypatch.setattr("keras_mra.backend.compilation.XLA_STEPS", 0)
    tf.config.run_functions_eagerly(not marks)
    yield
    tf.config.run_functions_eagerly(False)


def pytest_configure(config):
    for marker in (
        "xla: compiles as users' runs do",
        "graph: is traced by TensorFlow, without XLA",
        "once: no backend touches it; `make test` runs it on one backend",
        "slow: a soak test, for `make test-slow`",
    ):
        config.addinivalue_line("markers", marker)
