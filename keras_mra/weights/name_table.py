"""Names of a library's tensors for the weights of an MAE, and the tensors' forms."""

import dataclasses
from typing import Any
from typing import TypeAlias

import numpy as np

from keras_mra.vit import structure

NumpyArray: TypeAlias = np.ndarray[Any, Any]
Shape: TypeAlias = tuple[int, ...]
# For each weight of a layer: our name, the name in PyTorch, and the form there.
DENSE = (("kernel", "weight", "matrix"), ("bias", "bias", "plain"))
CONVOLUTION = (("kernel", "weight", "convolution"), ("bias", "bias", "plain"))
NORM = (("gamma", "weight", "plain"), ("beta", "bias", "plain"))


@dataclasses.dataclass(frozen=True)
class Entry:
    """One weight of an MAE, and the tensor of another library that holds it.

    Attributes:
        ours: Our path of the weight, such as `"encoder/block_0/query/kernel"`.
        theirs: The tensor's name.
        form: The tensor's form: `"plain"`, as ours; `"matrix"`, transposed;
            `"convolution"`, `(dim, channels, height, width)` for our matrix from flat
            patches to `dim`; `"token"`, `(1, 1, dim)`; or `"positions"`,
            `(1, 1 + patches, dim)`.
        third: 0, 1 or 2 if the tensor holds query, key and value one after the other,
            otherwise `None`.
    """

    ours: str
    theirs: str
    form: str
    third: int | None = None

    def shape_of_theirs(self, shape: Shape, patch_shape: Shape) -> Shape:
        """The shape that the tensor must have.

        Args:
            shape: Shape of our weight.
            patch_shape: `(height, width, channels)` of a patch.
        """
        if self.form == "convolution":
            height, width, channels = patch_shape
            return (shape[1], channels, height, width)
        if self.form == "token":
            return (1, 1, shape[-1])
        if self.form == "positions":
            return (1, *shape)
        shape = shape[::-1] if self.form == "matrix" else shape
        return shape if self.third is None else (3 * shape[0], *shape[1:])

    def to_ours(self, array: NumpyArray, shape: Shape) -> NumpyArray:
        """Converts the tensor to our weight, of shape `shape`."""
        if self.third is not None:
            array = np.split(array, 3)[self.third]
        if self.form == "convolution":
            array = array.transpose(2, 3, 1, 0)  # (height, width, channels, dim)
        if self.form == "matrix":
            array = array.T
        return np.ascontiguousarray(array).reshape(shape)

    def to_theirs(self, array: NumpyArray, patch_shape: Shape) -> NumpyArray:
        """Converts our weight to the tensor, or to its third of the tensor."""
        if self.form == "convolution":
            array = array.reshape(*patch_shape, -1)  # (height, width, channels, dim)
            return array.transpose(3, 2, 0, 1)
        if self.form == "token":
            return array.reshape(1, 1, -1)
        if self.form == "positions":
            return array[None]
        return array.T if self.form == "matrix" else array


@dataclasses.dataclass(frozen=True)
class NameTable:
    """The names of a library's layers, keyed by the paths of `vit.structure`.

    Attributes:
        layers: The layers outside the blocks: our path to their name.
        blocks: The blocks: `"encoder"` and `"decoder"` to the name before the number.
        block: The layers of a block: our name to their name in a block. If query, key
            and value have the same name, one tensor holds the three.
    """

    layers: dict[str, str]
    blocks: dict[str, str]
    block: dict[str, str]

    def entries(self, encoder_depth: int, decoder_depth: int) -> list[Entry]:
        """The entries of all weights.

        Args:
            encoder_depth: Number of encoder blocks.
            decoder_depth: Number of decoder blocks; 0 stands for no decoder.
        """
        return [
            entry
            for path, spec in structure.mae_layers(encoder_depth, decoder_depth).items()
            for entry in self._entries(path, spec)
        ]

    def layer_name(self, path: str) -> str:
        """Their name of a layer.

        Args:
            path: Our path, such as `"encoder/norm"` or `"encoder/block_0/query"`.
        """
        if path in self.layers:
            return self.layers[path]
        part, block, layer = path.split("/")
        number = block.removeprefix("block_")
        return f"{self.blocks[part]}.{number}.{self.block[layer]}"

    def _entries(self, path: str, spec: structure.LayerSpec) -> list[Entry]:
        theirs = self.layer_name(path)
        if isinstance(spec, structure.Token):
            return [Entry(path, theirs, "token")]
        if isinstance(spec, structure.Positions):
            return [Entry(path, theirs, "positions")]
        if isinstance(spec, structure.Norm):
            weights = NORM
        else:
            weights = CONVOLUTION if path == structure.PATCH_PROJECTION else DENSE
        return [
            Entry(f"{path}/{ours}", f"{theirs}.{name}", form, self._third(path))
            for ours, name, form in weights
        ]

    def _third(self, path: str) -> int | None:
        """The place of a block's layer among the layers that share its name."""
        if path in self.layers:
            return None
        layer = path.split("/")[-1]
        same = [ours for ours in self.block if self.block[ours] == self.block[layer]]
        return same.index(layer) if len(same) > 1 else None
