"""How a tensor of another library becomes one of this package's, and back."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Entry:
    """One weight, under both names.

    Attributes:
        ours: String, such as `"encoder/block_0/query/kernel"`.
        theirs: String.
        kind: `"plain"`; `"matrix"`, transposed; `"convolution"`, `(dim, channels,
            height, width)` for a matrix from flat patches to `dim`; `"token"`,
            `(1, 1, dim)`; `"positions"`, `(1, 1 + patches, dim)`.
        third: 0, 1 or 2 where theirs holds query, key and value in one, else `None`.
    """

    ours: str
    theirs: str
    kind: str = "plain"
    third: int | None = None


def shape_of_theirs(entry, shape, patch_shape):
    """The shape that a tensor must have to become one of shape `shape`.

    Args:
        entry: `Entry`.
        shape: Tuple, of ours.
        patch_shape: `(height, width, channels)` of a patch.
    """
    if entry.kind == "convolution":
        height, width, channels = patch_shape
        return (shape[1], channels, height, width)
    if entry.kind == "token":
        return (1, 1, shape[-1])
    if entry.kind == "positions":
        return (1, *shape)
    shape = shape[::-1] if entry.kind == "matrix" else shape
    return shape if entry.third is None else (3 * shape[0], *shape[1:])


def to_ours(entry, array, shape):
    """Their array as ours, of shape `shape`."""
    if entry.third is not None:
        array = np.split(array, 3)[entry.third]
    if entry.kind == "convolution":
        array = array.transpose(2, 3, 1, 0)  # (height, width, channels, dim)
    if entry.kind == "matrix":
        array = array.T
    return np.ascontiguousarray(array).reshape(shape)


def to_theirs(entry, array, patch_shape):
    """Our array as theirs; of `third`, that third alone."""
    if entry.kind == "convolution":
        return array.reshape(*patch_shape, -1).transpose(3, 2, 0, 1)
    if entry.kind == "token":
        return array.reshape(1, 1, -1)
    if entry.kind == "positions":
        return array[None]
    return array.T if entry.kind == "matrix" else array


def dense(ours, theirs, third=None):
    """Entries of a dense layer."""
    return [
        Entry(f"{ours}/kernel", f"{theirs}.weight", "matrix", third),
        Entry(f"{ours}/bias", f"{theirs}.bias", "plain", third),
    ]


def norm(ours, theirs):
    """Entries of a layer normalisation."""
    return [
        Entry(f"{ours}/gamma", f"{theirs}.weight"),
        Entry(f"{ours}/beta", f"{theirs}.bias"),
    ]


def patches(ours, theirs):
    """Entries of a patch embedding that is a convolution there."""
    return [
        Entry(f"{ours}/kernel", f"{theirs}.weight", "convolution"),
        Entry(f"{ours}/bias", f"{theirs}.bias"),
    ]


def mismatches(entries, shapes, ours, patch_shape):
    """What keeps tensors from being those of a model, in words.

    Args:
        entries: List of `Entry`.
        shapes: Dict from their names to shapes.
        ours: Dict from our names to shapes.
        patch_shape: `(height, width, channels)` of a patch.

    Returns:
        List of strings, empty where all fit.
    """
    expected = {
        e.theirs: shape_of_theirs(e, ours[e.ours], patch_shape) for e in entries
    }
    found = [
        f"{name} is missing, of shape {shape}"
        for name, shape in expected.items()
        if name not in shapes
    ]
    found += [
        f"{name} has shape {shapes[name]}, not {shape}"
        for name, shape in expected.items()
        if name in shapes and shapes[name] != shape
    ]
    strangers = sorted(set(shapes) - set(expected))
    return found + [f"{name} is unexpected" for name in strangers]
