"""What the tests share. `KERAS_BACKEND` chooses the backend, TensorFlow by default."""

import gc
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

from keras_mra import backend

# XLA takes longer to optimise these small programs than they run, in TensorFlow too.
os.environ.setdefault("XLA_FLAGS", backend.XLA_QUICKLY)

# Compares the backends with each other: `pytest tests/cross_backend`, once.
collect_ignore = ["cross_backend"]

TINY = dict(
    encoder_dim=16, encoder_depth=2, encoder_heads=2,
    decoder_dim=8, decoder_depth=1, decoder_heads=2, mlp_ratio=2.0,
)  # fmt: skip

# TensorFlow's XLA compiles for seconds; tests of something else go without.
QUICK = {"jit_compile": False} if keras.backend.backend() == "tensorflow" else {}


def randomize(model, seed=0):
    """Gives all weights random values, those that start at 0 or 1 included.

    Returns:
        The model.
    """
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        values = rng.normal(size=weight.shape)
        if weight.name == "kernel":
            values *= 1.5 / np.sqrt(weight.shape[0])
        elif weight.name == "gamma":
            values = 1 + 0.3 * values
        else:
            values *= 0.3
        weight.assign(values.astype("float32"))
    return model


def random_visible(rng, batch, num_patches, kept):
    """Distinct patch indices for each image, in no order."""
    return np.stack([rng.permutation(num_patches)[:kept] for _ in range(batch)]).astype(
        "int32"
    )


def traced(function, *shapes_and_dtypes):
    """Compiles a function the way users of the backend in use do.

    Args:
        function: Function of tensors.
        *shapes_and_dtypes: A pair for each argument; the batch may be `None`.
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        signature = [tf.TensorSpec(*pair) for pair in shapes_and_dtypes]
        return tf.function(function, input_signature=signature)
    if name == "jax":
        import jax

        return jax.jit(function)
    import torch

    # The eager backend of `torch.compile` traces, and spares the tests a compiler.
    return torch.compile(function, backend="eager", dynamic=True)


def compute(function, *args):
    """Calls a function of arrays and returns NumPy arrays.

    Eagerly, but for JAX, which would compile every operation by itself.
    """
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*args))


def pytest_collection_finish():
    # What the imports have made stays: half a million objects, not to be looked at by
    # every collection.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def collected():
    """Frees what a module of tests leaves, so that later collections look at less."""
    yield
    gc.collect()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def few_images(monkeypatch):
    """Lets `fashion_mnist` be a few digits of its size: no page needs the real one."""
    import keras_mra
    from keras_mra.datasets import loading

    digits = keras_mra.datasets.load("digits", image_shape=(28, 28, 1))
    train, test = (
        [part[:256] for part in split] for split in (digits.train, digits.test)
    )
    monkeypatch.setattr(
        loading.fashion_mnist, "load_fashion_mnist", lambda: (train, test, "digits")
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
        monkeypatch.setattr(backend, "XLA_STEPS", 0)
    tf.config.run_functions_eagerly(not marks)
    yield
    tf.config.run_functions_eagerly(False)


def pytest_configure(config):
    for marker in (
        "xla: compiles as users' runs do",
        "graph: is traced by TensorFlow, without XLA",
    ):
        config.addinivalue_line("markers", marker)
