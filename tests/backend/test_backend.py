"""What differs between the backends and shows nowhere else."""

import importlib.metadata
import os

import keras
import pytest
from study.study import Study

from keras_mra import backend


@pytest.fixture
def flags(monkeypatch):
    """What XLA would read, where no accelerator is."""
    # Set before it is deleted: what the test sets is then taken back, too.
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.delenv("XLA_FLAGS")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: ())
    return lambda: os.environ.get("XLA_FLAGS")


def test_quick_compilation_is_jaxs_on_a_cpu_alone(flags, monkeypatch):
    plugins = lambda group: {"jax_plugins": ["cuda"]}[group]  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(importlib.metadata, "entry_points", plugins)
        backend.compile_quickly()
    assert flags() is None
    backend.compile_quickly()
    on_jax = keras.backend.backend() == "jax"
    assert flags() == (backend.XLA_QUICKLY if on_jax else None)


def test_flags_of_ones_own_stay(flags, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    backend.compile_quickly()
    assert flags() == "--xla_cpu_enable_fast_math=false"


def test_quick_studies_compile_quickly(flags):
    Study("Title.", {}, {}, [])
    assert flags() is None
    Study("Title.", {}, {}, ["--quick"])
    assert (flags() is None) == (keras.backend.backend() != "jax")
