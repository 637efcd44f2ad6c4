"""The machine: a description for measurements, and its memory."""

import importlib.metadata
import os
import pathlib
import platform
from typing import Any

import keras

from keras_mra.version import __version__


def describe_machine() -> dict[str, Any]:
    """Returns the versions of hardware and software, as values that JSON can hold."""
    packages = {"keras": keras.__version__, "keras_mra": __version__}
    distributions = {
        "tensorflow": ("tensorflow", "tensorflow-cpu"),
        "jax": ("jax",),
        "torch": ("torch",),
    }
    for name in distributions[keras.backend.backend()]:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "backend": keras.backend.backend(),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "packages": packages,
    }


def memory() -> int | None:
    """Returns the bytes of the machine's memory, or `None` where it is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no `sysconf`.
        return None


def _processor() -> str:
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
