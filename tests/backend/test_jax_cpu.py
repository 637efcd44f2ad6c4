"""The workarounds for XLA on CPUs, and that other backends do without them."""

import importlib.metadata
import os

import keras
import numpy as np
import pytest
from helpers.models import compute
from study.study import Study

from keras_mra import backend

ON_JAX = keras.backend.backend() == "jax"


@pytest.fixture
def flags(monkeypatch):
    """Returns the flags that XLA would read on a machine without an accelerator."""
    # Set before it is deleted, so that `monkeypatch` also removes what the test sets.
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.delenv("XLA_FLAGS")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: ())
    return lambda: os.environ.get("XLA_FLAGS")


def test_only_jax_on_a_cpu_compiles_quickly(flags, monkeypatch):
    plugins = lambda group: {"jax_plugins": ["cuda"]}[group]  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(importlib.metadata, "entry_points", plugins)
        backend.compile_quickly()
    assert flags() is None
    backend.compile_quickly()
    assert flags() == (backend.XLA_QUICKLY if ON_JAX else None)


def test_the_users_flags_stay(flags, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    backend.compile_quickly()
    assert flags() == "--xla_cpu_enable_fast_math=false"


def test_quick_studies_compile_quickly(flags):
    Study("Title.", {}, {}, [])
    assert flags() is None
    Study("Title.", {}, {}, ["--quick"])
    assert (flags() is not None) == ON_JAX


@pytest.mark.parametrize("width", [7, 48, 64])
def test_computed_once_changes_no_value(rng, width):
    x = rng.normal(size=(2, 3, width)).astype("float32")
    np.testing.assert_array_equal(compute(backend.computed_once, x), x)
