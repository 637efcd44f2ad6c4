"""`choose_backend`: an installed backend, where the user has not named one."""

import importlib.util
import json
import logging
import os
import pathlib
import sys

# Keras' default comes first.
BACKENDS = ("tensorflow", "jax", "torch")


def choose_backend() -> None:
    """Lets Keras use a backend that is installed.

    Keras takes its backend when it is imported, so this function runs before. It does
    nothing where Keras is imported already. Otherwise the backend is, in this order:

    1. the one that the environment variable `KERAS_BACKEND` names;
    2. the one that Keras' configuration file names, if it is installed. Keras writes
       this file at its first import and names TensorFlow in it, whatever is installed,
       so a backend that is missing there is no error;
    3. the first of TensorFlow, JAX and PyTorch that is installed. `KERAS_BACKEND` is
       set to it, for this process and those that it starts, and the logger `keras_mra`
       says so in one line. Without any handler, the line goes to the standard error.

    Nothing is imported to find out.

    Raises:
        ValueError: If `KERAS_BACKEND` names something else than these three.
        ImportError: If the backend that it names is not installed, or none is.
    """
    if "keras" in sys.modules:
        return
    installed = [name for name in BACKENDS if _is_installed(name)]
    if not installed:
        extras = " or ".join(f"'keras_mra[{name}]'" for name in BACKENDS)
        raise ImportError(
            f"keras_mra needs a backend, and none is installed: pip install {extras}"
        )
    named = os.environ.get("KERAS_BACKEND")
    if named:
        _check_named(named, installed)
        return
    path = _configuration_file()
    configured = _configured(path)
    if configured in installed:
        return
    os.environ["KERAS_BACKEND"] = installed[0]
    reason = f": {path} names {configured}, which is not installed"
    # Python shows warnings to users who have not set up logging, and no lower level.
    logging.getLogger("keras_mra").warning(
        "keras_mra uses the backend %s%s. Set KERAS_BACKEND to choose another.",
        installed[0],
        reason if configured else "",
    )


def _check_named(named: str, installed: list[str]) -> None:
    """Raises an error if `KERAS_BACKEND` names no installed backend."""
    if named not in BACKENDS:
        raise ValueError(
            "`KERAS_BACKEND` must be tensorflow, jax or torch. "
            f"Received: KERAS_BACKEND={named!r}"
        )
    if named not in installed:
        raise ImportError(
            "`KERAS_BACKEND` must be an installed backend, here "
            f"{' or '.join(installed)}, or pip install 'keras_mra[{named}]'. "
            f"Received: KERAS_BACKEND={named!r}"
        )


def _is_installed(name: str) -> bool:
    """Whether a package can be imported. A folder of its name is not enough."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


def _configuration_file() -> pathlib.Path:
    """Where Keras looks for its configuration."""
    folder = os.environ.get("KERAS_HOME")
    if folder is None:
        home = os.path.expanduser("~")
        folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return pathlib.Path(folder).expanduser() / "keras.json"


def _configured(path: pathlib.Path) -> str | None:
    """The backend that Keras' configuration names."""
    try:
        configuration = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # Keras says what is wrong with it.
        return None
    return configuration.get("backend")
