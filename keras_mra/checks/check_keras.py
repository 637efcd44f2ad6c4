"""Checks of what is passed on to Keras, which would refuse it in its own words."""

from typing import Any

import keras

from keras_mra.checks.check_arguments import flag

VERBOSE = ("auto", 0, 1, 2)


def layer_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of `keras.layers.Layer` if they are good.

    Args:
        arguments: Dict of `name`, `dtype`, `trainable` and others, which Keras checks.
    """
    name, dtype = arguments.get("name"), arguments.get("dtype")
    if name is not None and (not isinstance(name, str) or "/" in name or not name):
        raise ValueError(
            f"`name` must be a string without '/', or None. Received: name={name!r}"
        )
    if dtype is not None and not _is_float_policy(dtype):
        raise ValueError(
            "`dtype` must be a float dtype such as 'float32', a policy such as "
            f"'mixed_bfloat16', or None. Received: dtype={dtype!r}"
        )
    if arguments.get("trainable") is not None:
        flag("trainable", arguments["trainable"])
    return arguments


def _is_float_policy(value: Any) -> bool:
    try:
        return "float" in keras.dtype_policies.get(value).compute_dtype
    except (AttributeError, KeyError, TypeError, ValueError):  # It is not a policy.
        return False


def layer(name: str, value: Any, optional: bool = True) -> Any:
    """Returns `value` if it is a Keras layer or, where that is `optional`, `None`."""
    if not isinstance(value, keras.layers.Layer) and not (optional and value is None):
        raise ValueError(
            f"`{name}` must be a Keras layer{' or None' if optional else ''}. "
            f"Received: {name}={value!r} (of type {type(value).__name__})"
        )
    return value


def callbacks(value: Any) -> list[Any]:
    """Returns `value`, a list of Keras callbacks or `None`, as a list."""
    is_sequence = isinstance(value, (tuple, list))
    bad = value
    if is_sequence:
        others = (c for c in value if not isinstance(c, keras.callbacks.Callback))
        bad = next(others, None)
    if bad is not None:
        raise ValueError(
            "`callbacks` must be a list of Keras callbacks or None. Received: "
            f"{'a list with ' if is_sequence else ''}{bad!r} "
            f"(of type {type(bad).__name__})"
        )
    return list(value or [])


def verbose(value: Any) -> Any:
    """Returns `value` if it is the `verbose` of `keras.Model.fit`."""
    is_bool = isinstance(value, bool)
    if is_bool or not isinstance(value, (str, int)) or value not in VERBOSE:
        raise ValueError(
            f"`verbose` must be one of {VERBOSE}. Received: verbose={value!r}"
        )
    return value


def no_sample_weight(sample_weight: Any) -> None:
    """Refuses weights of images, which a loss without labels would ignore."""
    if sample_weight is not None:
        raise ValueError(
            "`sample_weight` and `class_weight` must be None, because all images count "
            "alike. Received: weights of the images"
        )
