"""Checks of numbers, flags, choices and seeds."""

import math
import reprlib
import sys
from collections.abc import Collection
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

# More images in one call of a model than any machine holds activations of.
LARGEST_BATCH = 2**16
# That of the arrays of all backends.
LARGEST_INTEGER = 2**63 - 1


def integer(
    name: str, value: Any, low: int, expected: str, high: int = LARGEST_INTEGER
) -> int:
    """Returns `value` as an `int` if it is an integer from `low` to `high`.

    Args:
        name: Name of the argument in the message.
        value: What the caller passed. Booleans and floats are refused.
        low: Int, the smallest value that is accepted.
        expected: What the message says the argument must be.
        high: Int, the largest value that is accepted.
    """
    if not is_integer(value) or not low <= value <= high:
        if is_integer(value) and value > LARGEST_INTEGER == high:
            expected += ", below 2**63"
        raise ValueError(
            f"`{name}` must be {expected}. Received: {name}={shown(value)}"
        )
    return int(value)


def number(
    name: str, value: Any, expected: str, low: float = 0.0, high: float = math.inf
) -> float:
    """Returns `value` as a `float` if it is finite and from `low` to `high`."""
    found = _as_float(value) if is_number(value) else math.nan
    if not low <= found <= min(high, sys.float_info.max):
        raise ValueError(
            f"`{name}` must be {expected}. Received: {name}={shown(value)}"
        )
    return found


def shown(value: Any) -> str:
    """`value` for a message. Python refuses to write integers of 4,300 digits."""
    if isinstance(value, int) and value.bit_length() > 10_000:
        return f"an integer of {value.bit_length():,} bits"
    return repr(value)


def quoted(names: Iterable[str]) -> str:
    """Names of arguments for a message, such as "`a`, `b` and `c`"."""
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def is_integer(value: Any) -> bool:
    """Whether `value` is an integer of Python or NumPy, and no boolean."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether `value` is a real number of Python or NumPy, and no boolean."""
    kinds = (int, float, np.integer, np.floating)
    return isinstance(value, kinds) and not isinstance(value, bool)


def positive_int(name: str, value: Any) -> int:
    """Returns `value` if it is a positive integer."""
    return integer(name, value, 1, "a positive integer")


def nonnegative_int(name: str, value: Any) -> int:
    """Returns `value` if it is an integer, at least 0."""
    return integer(name, value, 0, "an integer, at least 0")


def batch_size(value: Any) -> int:
    """Returns `value` if it is a number of files whose images one call may take."""
    expected = f"an integer from 1 to {LARGEST_BATCH:,}"
    return integer("batch_size", value, 1, expected, high=LARGEST_BATCH)


def positive_float(name: str, value: Any) -> float:
    """Returns `value` if it is a positive finite number."""
    smallest = math.ulp(0.0)
    return number(name, value, "a positive number", low=smallest)


def nonnegative_float(name: str, value: Any) -> float:
    """Returns `value` if it is a finite number, at least 0."""
    return number(name, value, "a number, at least 0")


def any_number(name: str, value: Any) -> float:
    """Returns `value` if it is a finite number."""
    return number(name, value, "a finite number", low=-sys.float_info.max)


def fraction(name: str, value: Any) -> float:
    """Returns `value` if it is a number in [0, 1]."""
    return number(name, value, "in [0, 1]", high=1.0)


def share(name: str, value: Any) -> float:
    """Returns `value` if it is a number in (0, 1]."""
    return number(name, value, "in (0, 1]", low=math.ulp(0.0), high=1.0)


def flag(name: str, value: Any) -> bool:
    """Returns `value` as a `bool` if it is a boolean of Python or NumPy."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(
            f"`{name}` must be True or False. Received: {name}={shown(value)}"
        )
    return bool(value)


def choice(
    name: str, value: Any, choices: Collection[str], optional: bool = False
) -> Any:
    """Returns `value` if it is one of the strings `choices`.

    Args:
        name: Name of the argument in the message.
        value: What the caller passed.
        choices: Strings that are accepted.
        optional: Bool, whether `None` is accepted too.
    """
    if optional and value is None:
        return None
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"`{name}` must be one of {tuple(choices)}{' or None' if optional else ''}."
            f" Received: {name}={shown(value)}"
        )
    return value


def function(name: str, value: Any) -> Any:
    """Returns `value` if it can be called."""
    if not callable(value):
        raise ValueError(
            f"`{name}` must be a function. Received: {name}={shown(value)} "
            f"(of type {type(value).__name__})"
        )
    return value


def instance(name: str, value: Any, kinds: Any, expected: str) -> Any:
    """Returns `value` if `isinstance(value, kinds)`.

    Args:
        name: Name of the argument in the message.
        value: What the caller passed.
        kinds: A type, or a tuple of types.
        expected: What the message says the argument must be.
    """
    if not isinstance(value, kinds):
        raise ValueError(
            f"`{name}` must be {expected}. Received: {name}={reprlib.repr(value)} "
            f"(of type {type(value).__name__})"
        )
    return value


def names(name: str, value: Any) -> Any:
    """Returns `value` if it holds names by their place, and is not one string."""
    holds = hasattr(value, "__len__") and hasattr(value, "__getitem__")
    is_one = isinstance(value, (str, bytes)) or getattr(value, "ndim", 1) == 0
    if not holds or is_one:
        raise ValueError(
            f"`{name}` must be a list of names or None. Received: "
            f"{name}={reprlib.repr(value)} (of type {type(value).__name__})"
        )
    return value


def seed(value: Any) -> int | None:
    """Returns `value` if it is an integer from 0 to 2**64 - 1, or `None`."""
    return None if value is None else _seed(value, " or None")


def required_seed(value: Any) -> int:
    """Returns `value` if it is an integer from 0 to 2**64 - 1."""
    return _seed(value, "")


def seed_or_generator(value: Any) -> Any:
    """Returns `value` if it is a seed, `None` or a `keras.random.SeedGenerator`."""
    if value is None or isinstance(value, keras.random.SeedGenerator):
        return value
    return _seed(value, ", a keras.random.SeedGenerator or None")


def _seed(value: Any, alternatives: str) -> int:
    if not is_integer(value) or not 0 <= value < 2**64:
        raise ValueError(
            f"`seed` must be an integer from 0 to 2**64 - 1{alternatives}. "
            f"Received: seed={shown(value)}"
        )
    return int(value)


def pair_of_ints(name: str, value: Any) -> tuple[int, int]:
    """Returns `value` as a pair of positive integers; an integer stands for both."""
    pair = (value, value) if is_integer(value) else value
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(
            f"`{name}` must be a positive integer or a pair of positive integers. "
            f"Received: {name}={shown(value)}"
        )
    return positive_int(name, pair[0]), positive_int(name, pair[1])


def positive_ints(name: str, value: Any) -> tuple[int, ...]:
    """Returns `value`, one positive integer or a sequence of them, as a tuple."""
    values = value if isinstance(value, (tuple, list)) else (value,)
    if not values:
        raise ValueError(
            f"`{name}` must be a positive integer or a sequence of positive integers. "
            f"Received: {name}={shown(value)}"
        )
    return tuple(positive_int(name, v) for v in values)


def ascending_pair(
    name: str, value: Any, upper: float = math.inf
) -> tuple[float, float]:
    """Returns `value` as a pair of floats in (0, upper], the lower first."""
    low, high = two_floats(value)
    if not 0 < low <= high <= upper or math.isinf(high):
        limit = "" if math.isinf(upper) else f", at most {upper:g}"
        raise ValueError(
            f"`{name}` must be a pair of positive numbers{limit}, the lower first. "
            f"Received: {name}={shown(value)}"
        )
    return low, high


def two_floats(value: Any) -> tuple[float, float]:
    """Two floats, which are NaN if `value` does not hold two numbers."""
    try:
        low, high = value
    except (TypeError, ValueError):
        return math.nan, math.nan
    if not (is_number(low) and is_number(high)):
        return math.nan, math.nan
    return _as_float(low), _as_float(high)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer above the largest float
        return math.inf
