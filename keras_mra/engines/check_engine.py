"""`check_engine`: the name of an engine that is installed."""

import importlib
from typing import Any

from keras_mra import checks

ENGINES = ("local", "ray")


def check_engine(engine: Any, workers: Any) -> None:
    """Refuses an unknown engine, one that is not installed, and a bad `workers`.

    Args:
        engine: What the caller passed.
        workers: What the caller passed: an int, or `None`.

    Raises:
        ValueError: If an argument is bad.
        ImportError: If Ray is not installed.
    """
    checks.choice("engine", engine, ENGINES)
    if workers is not None:
        checks.positive_int("workers", workers)
    if engine == "ray":
        try:
            importlib.import_module("ray.data")
        except ImportError as error:
            raise ImportError(
                "`engine` needs Ray: pip install 'keras-mra[ray]'. Received: "
                f"engine='ray' ({error})"
            ) from error
