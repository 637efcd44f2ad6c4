"""Checks of another library's weights, made before a model is built from them."""

import math
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_mra.vit import structure
from keras_mra.weights.name_table import NameTable
from keras_mra.weights.name_table import NumpyArray
from keras_mra.weights.name_table import Shape

# The largest published MAE, ViT-H/14 with its decoder, has 0.7e9 parameters.
MOST_VALUES = 4 * 10**9
MOST_NAMED = 8


class Refused(ValueError):
    """An error of ours inside a block that turns a library's errors into ours."""


def check_bytes(path: pathlib.Path, declared: int) -> None:
    """Refuses tensors that take more bytes than their file has."""
    size = path.stat().st_size
    if declared > size:
        raise Refused(
            f"{str(path)!r} must hold every value that it declares, in its {size:,} "
            f"bytes. Received: tensors of {declared:,} bytes"
        )


def check_size(path: pathlib.Path, shapes: Mapping[str, Shape]) -> None:
    """Refuses shapes with more values than the file has bytes, or than any MAE has."""
    values = sum(math.prod(shape) for shape in shapes.values())
    limit = min(MOST_VALUES, path.stat().st_size)
    if values > limit:
        raise ValueError(
            f"{str(path)!r} must declare at most {limit:,} values, for its size and "
            f"for an MAE. Received: {values:,} values"
        )


def check_floats(path: pathlib.Path, other_kinds: Mapping[str, str]) -> None:
    """Refuses tensors that are not plain floats.

    Args:
        path: The file.
        other_kinds: Those tensors, by name, with what they are.
    """
    for name, kind in other_kinds.items():
        raise ValueError(
            f"{str(path)!r} must hold tensors of floats. Received: {name!r} of {kind}"
        )


def check_finite(path: pathlib.Path, name: str, array: NumpyArray) -> None:
    """Refuses a tensor with NaN or infinite values."""
    if not np.isfinite(array).all():
        raise ValueError(
            f"{str(path)!r} must hold finite values. Received: tensor {name!r} with "
            "NaN or infinite values"
        )


def required_shape(
    path: pathlib.Path, shapes: Mapping[str, Shape], name: str, rank: int
) -> Shape:
    """Returns the shape of a tensor if it is there, of that rank, and not empty."""
    shape = shapes.get(name)
    if shape is None or len(shape) != rank or 0 in shape:
        raise ValueError(
            f"{str(path)!r} must have a tensor {name!r} of rank {rank}. Received: "
            + ("none" if shape is None else f"shape {shape}")
        )
    return shape


def check_declared_sizes(
    path: pathlib.Path, arguments: Mapping[str, Any], declared: Mapping[str, Any]
) -> None:
    """Refuses tensors of other sizes than the configuration states.

    Without this check, a file that lost its last block would pass for a whole file of
    a shallower model.

    Args:
        path: The file.
        arguments: Arguments of `MAE` that the tensors' shapes tell.
        declared: Sizes that the configuration states, by our names.
    """
    found = {**arguments, "channels": arguments["image_shape"][-1]}
    for name, value in declared.items():
        if name.startswith("decoder") and not arguments["decoder_depth"]:
            continue
        if name == "patch_size" and isinstance(value, int):
            value = (value, value)
        value = tuple(value) if isinstance(value, list) else value
        if value != found[name]:
            raise ValueError(
                f"{str(path)!r} must have tensors of {name}={value!r}, as its "
                f"configuration says. Received: tensors of {name}={found[name]!r}"
            )


def check_tensors(
    path: pathlib.Path,
    library: str,
    table: NameTable,
    shapes: Mapping[str, Shape],
    arguments: Mapping[str, Any],
) -> None:
    """Refuses missing and unexpected tensors, and tensors of another shape.

    Args:
        path: The file.
        library: Name of the library, for the message.
        table: The library's names.
        shapes: The tensors' shapes, by the table's names.
        arguments: Arguments of the `MAE` that the tensors should make.
    """
    ours = structure.mae_weight_shapes(arguments)
    patch_shape = (*arguments["patch_size"], arguments["image_shape"][-1])
    expected = {
        entry.theirs: entry.shape_of_theirs(ours[entry.ours], patch_shape)
        for entry in table.entries(
            arguments["encoder_depth"], arguments["decoder_depth"]
        )
    }
    wrong = [
        f"{name} is missing, of shape {shape}"
        for name, shape in expected.items()
        if name not in shapes
    ]
    wrong += [
        f"{name} has shape {shapes[name]}, not {shape}"
        for name, shape in expected.items()
        if name in shapes and shapes[name] != shape
    ]
    wrong += [f"{name} is unexpected" for name in sorted(set(shapes) - set(expected))]
    if wrong:
        more = len(wrong) - MOST_NAMED
        raise ValueError(
            f"{str(path)!r} must hold the tensors of an MAE, in the form of {library}. "
            f"Received: {'; '.join(wrong[:MOST_NAMED])}"
            + (f"; and {more} more" if more > 0 else "")
        )
