"""The configuration of a preset as the arguments of an `MAE`."""

import inspect
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_mra.models.autoencoder import Autoencoder
from keras_mra.vit.mae_sizes import MAESizes
from keras_mra.vit.mae_sizes import check_mae_sizes

# Arguments of `keras.Model`.
_OF_KERAS = ("name", "trainable", "dtype")


def complete_config(path: pathlib.Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Adds the default of each argument that a configuration leaves out.

    Args:
        path: Path of the configuration, for messages.
        config: Arguments of `MAE`.

    Raises:
        ValueError: If an argument without a default is missing, or `MAE` has no such
            argument.
    """
    defaults = _defaults()
    required = [n for n, value in defaults.items() if value is inspect.Parameter.empty]
    missing = [name for name in required if name not in config]
    unknown = sorted(set(config) - set(defaults) - set(_OF_KERAS))
    if missing or unknown:
        raise ValueError(
            f"{str(path)!r} must hold the arguments of an MAE. Received: "
            + "; ".join(
                [f"no `{name}`" for name in missing]
                + [f"`{name}`, which MAE does not have" for name in unknown]
            )
        )
    return {**defaults, **config}


def sizes_of(config: Mapping[str, Any]) -> MAESizes:
    """The sizes among the arguments of an `MAE`, checked.

    Args:
        config: All arguments of an `MAE`, as `complete_config` returns them.

    Raises:
        ValueError: If an argument is out of its range.
    """
    names = inspect.signature(check_mae_sizes).parameters
    return check_mae_sizes(**{name: config[name] for name in names})


def _defaults() -> dict[str, Any]:
    """The arguments of `MAE` and their defaults."""
    parameters = inspect.signature(Autoencoder.__init__).parameters
    return {
        name: parameter.default
        for name, parameter in parameters.items()
        if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
