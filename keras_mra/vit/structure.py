"""The structure of a masked autoencoder: its layers and the shapes of their weights.

`TransformerBlock` makes its layers from `BLOCK`, and the tables in `keras_mra.weights`
name the layers of other libraries by the paths below, such as
`"encoder/block_0/query"`.

Sizes in shapes are written as names: `dim` and `hidden`, the widths of the tokens and
of the MLP in the same part; `encoder_dim`, the width of the encoder's tokens; `values`,
the numbers in one flat patch; `places`, the patches of an image and the class token.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any
from typing import TypeAlias

from keras_mra import checks

SizeName: TypeAlias = str | int  # an int stands for itself


@dataclasses.dataclass(frozen=True)
class Dense:
    """A dense layer.

    Attributes:
        inputs: Name of the width of its inputs.
        outputs: Name of the width of its outputs.
    """

    inputs: str
    outputs: str

    def weights(self) -> dict[str, tuple[SizeName, ...]]:
        """Shapes of the layer's weights, by their names in the layer."""
        return {"kernel": (self.inputs, self.outputs), "bias": (self.outputs,)}


@dataclasses.dataclass(frozen=True)
class Norm:
    """A layer normalisation of tokens."""

    def weights(self) -> dict[str, tuple[SizeName, ...]]:
        """Shapes of the layer's weights, by their names in the layer."""
        return {"gamma": ("dim",), "beta": ("dim",)}


@dataclasses.dataclass(frozen=True)
class Token:
    """A learned token, one weight.

    Attributes:
        shape: Its shape.
        place: Where a part holds it: a layer and the layer's attribute.
    """

    shape: tuple[SizeName, ...]
    place: str

    def weights(self) -> dict[str, tuple[SizeName, ...]]:
        """The token's shape, under an empty name: its path is the weight's."""
        return {"": self.shape}


@dataclasses.dataclass(frozen=True)
class Positions:
    """The positions of the class token and the patches, one weight if learned.

    Attributes:
        place: Where a part holds learned positions: a layer and the layer's attribute.
            The encoder holds none for the class token.
    """

    place: str

    def weights(self) -> dict[str, tuple[SizeName, ...]]:
        """The positions' shape, under an empty name: their path is the weight's."""
        return {"": ("places", "dim")}


LayerSpec: TypeAlias = Dense | Norm | Token | Positions

# The layers of a transformer block, in the order in which the block makes them.
BLOCK: dict[str, Dense | Norm] = {
    "norm1": Norm(),
    "query": Dense("dim", "dim"),
    "key": Dense("dim", "dim"),
    "value": Dense("dim", "dim"),
    "output_projection": Dense("dim", "dim"),
    "norm2": Norm(),
    "mlp_in": Dense("dim", "hidden"),
    "mlp_out": Dense("hidden", "dim"),
}
PATCH_PROJECTION = "encoder/patch_embedding/projection"
# The layers outside the blocks.
ENCODER: dict[str, LayerSpec] = {
    PATCH_PROJECTION: Dense("values", "dim"),
    "encoder/class_token": Token((1, 1, "dim"), "class_token/token"),
    "encoder/positions": Positions("patch_embedding/position_weight"),
    "encoder/norm": Norm(),
}
DECODER: dict[str, LayerSpec] = {
    "decoder/embedding": Dense("encoder_dim", "dim"),
    "decoder/mask_token": Token(("dim",), "restore_tokens/token"),
    "decoder/positions": Positions("restore_tokens/position_weight"),
    "decoder/norm": Norm(),
    "decoder/pixels": Dense("dim", "values"),
}


def mae_layers(encoder_depth: int, decoder_depth: int) -> dict[str, LayerSpec]:
    """All layers of a masked autoencoder, by path.

    Args:
        encoder_depth: Number of encoder blocks.
        decoder_depth: Number of decoder blocks; 0 stands for no decoder.
    """
    layers = ENCODER | _blocks("encoder", encoder_depth)
    if decoder_depth:
        layers |= DECODER | _blocks("decoder", decoder_depth)
    return layers


def weight_path(layer: str, weight: str) -> str:
    """The path of a weight, such as `"encoder/block_0/query/kernel"`."""
    return f"{layer}/{weight}" if weight else layer


def mae_weight_shapes(arguments: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights of a masked autoencoder, by path, without making one.

    Positions are included, as if they were learned.

    Args:
        arguments: Arguments of `MAE`: the sizes.
    """
    height, width, channels = arguments["image_shape"]
    patch_height, patch_width = arguments["patch_size"]
    shared = {
        "values": patch_height * patch_width * channels,
        "places": 1 + (height // patch_height) * (width // patch_width),
        "encoder_dim": arguments["encoder_dim"],
    }
    shapes = {}
    layers = mae_layers(arguments["encoder_depth"], arguments["decoder_depth"])
    for path, layer in layers.items():
        dim = arguments[path.partition("/")[0] + "_dim"]
        sizes = shared | block_sizes(dim, arguments["mlp_ratio"])
        for name, shape in layer.weights().items():
            shapes[weight_path(path, name)] = tuple(
                size if isinstance(size, int) else sizes[size] for size in shape
            )
    return shapes


def block_sizes(dim: int, mlp_ratio: float) -> dict[str, int]:
    """The named sizes inside a transformer block.

    Args:
        dim: Width of the tokens.
        mlp_ratio: Hidden width of the MLP relative to `dim`.
    """
    return {"dim": dim, "hidden": checks.hidden_width(dim, mlp_ratio)}


def _blocks(part: str, depth: int) -> dict[str, LayerSpec]:
    return {
        f"{part}/block_{i}/{name}": layer
        for i in range(depth)
        for name, layer in BLOCK.items()
    }
