"""Keras' file of an MAE's weights, held against the sizes that a configuration states.

A preset's configuration and weights are two files. Without this check, a configuration
could ask for a model of any size, which is built before its weights are found not to
fit.
"""

import collections
import pathlib
import re
from typing import Any

from keras_mra.vit import structure
from keras_mra.vit.mae_sizes import MAESizes
from keras_mra.weights import verify
from keras_mra.weights.h5_file import H5File
from keras_mra.weights.name_table import Shape

_BLOCK = "{part}/layers/transformer_block/"
_NAMED = 4


def check_native_sizes(file: H5File, sizes: MAESizes, positions: str) -> None:
    """Refuses sizes that the file's tensors do not have.

    Args:
        file: Opened `.weights.h5` file.
        sizes: Sizes of the MAE.
        positions: `"sincos"` or `"learned"`.

    Raises:
        ValueError: If they differ. The message names the argument.
    """
    expected = _expected(sizes, positions)
    found = {
        part: collections.Counter(
            shape for name, shape in file.shapes.items() if name.startswith(f"{part}/")
        )
        for part in sizes.parts()  # a decoder may be left out
    }
    if found == expected:
        return
    for argument, declared, stored in _named_sizes(file, sizes):
        if declared != stored:
            raise ValueError(
                f"`{argument}` must be {stored}, as in the weights {str(file.path)!r}. "
                f"Received: {argument}={declared}"
            )
    missing, other = (
        [
            f"{part} {shape}"
            for part in found
            for shape in (one[part] - two[part]).elements()
        ][:_NAMED]
        for one, two in ((expected, found), (found, expected))
    )
    raise ValueError(
        f"The weights {str(file.path)!r} could not be loaded: they must fit "
        f"image_shape={sizes.image_shape}, patch_size={sizes.patch_size}, "
        f"positions={positions!r}, mlp_ratio={sizes.mlp_ratio:g} and the other sizes. "
        f"Received: tensors without those of {', '.join(missing) or 'none'}, and with "
        f"others of {', '.join(other) or 'none'}"
    )


def check_native_values(file: H5File) -> None:
    """Refuses tensors that are not finite floats. One tensor is in memory at a time.

    Raises:
        ValueError: If there is one. The message names it.
    """
    names = [name for name in file.shapes if name.startswith(("encoder/", "decoder/"))]
    others = {n: file.dtypes[n] for n in names if "float" not in file.dtypes[n]}
    verify.check_floats(file.path, others)
    for name in names:
        verify.check_finite(file.path, name, file.read(name))


def open_native(path: pathlib.Path) -> H5File:
    """Opens the weights of a preset.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    if not path.is_file():
        raise ValueError(f"`preset` has no weights: {str(path)!r} is missing.")
    return H5File(path)


def _expected(
    sizes: MAESizes, positions: str
) -> dict[str, "collections.Counter[Shape]"]:
    """The shapes of the variables of each part."""
    expected: dict[str, collections.Counter[Shape]] = {
        part: collections.Counter() for part in sizes.parts()
    }
    for path, shape in sizes.weight_shapes().items():
        part, _, name = path.partition("/")
        if name == "positions":
            if positions != "learned":
                continue
            # The encoder has no position for the class token.
            shape = (shape[0] - 1, shape[1]) if part == "encoder" else shape
        expected[part][shape] += 1
    return expected


def _named_sizes(file: H5File, sizes: MAESizes) -> list[tuple[str, Any, Any]]:
    """Arguments with their declared values, and the values that the tensors tell."""
    told: list[tuple[str, Any, Any]] = []
    for part in sizes.parts():
        blocks = re.compile(rf"{part}/layers/(transformer_block(_\d+)?)/")
        found = {match[1] for match in map(blocks.match, file.shapes) if match}
        told.append((f"{part}_depth", getattr(sizes, f"{part}_depth"), len(found)))
        norm = file.shapes.get(_BLOCK.format(part=part) + "norm1/vars/0")
        if norm:
            told.append((f"{part}_dim", getattr(sizes, f"{part}_dim"), norm[0]))
    hidden = file.shapes.get(_BLOCK.format(part="encoder") + "mlp_in/vars/1")
    if hidden:
        width = structure.block_sizes(sizes.encoder_dim, sizes.mlp_ratio)["hidden"]
        ratio = sizes.mlp_ratio if width == hidden[0] else hidden[0] / sizes.encoder_dim
        told.append(("mlp_ratio", sizes.mlp_ratio, ratio))
    return told
