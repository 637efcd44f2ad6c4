"""Names of the original release of MAE (`facebookresearch/mae`) and of timm.

timm's `vit_*.mae` holds the encoder alone, under the same names.
"""

import pathlib
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from keras_mra.weights.name_table import NameTable

NAME = "facebookresearch/mae or timm"
TABLE = NameTable(
    layers={
        "encoder/patch_embedding/projection": "patch_embed.proj",
        "encoder/class_token": "cls_token",
        "encoder/positions": "pos_embed",
        "encoder/norm": "norm",
        "decoder/embedding": "decoder_embed",
        "decoder/mask_token": "mask_token",
        "decoder/positions": "decoder_pos_embed",
        "decoder/norm": "decoder_norm",
        "decoder/pixels": "decoder_pred",
    },
    blocks={"encoder": "blocks", "decoder": "decoder_blocks"},
    block={
        "norm1": "norm1",
        "query": "attn.qkv",
        "key": "attn.qkv",
        "value": "attn.qkv",
        "output_projection": "attn.proj",
        "norm2": "norm2",
        "mlp_in": "mlp.fc1",
        "mlp_out": "mlp.fc2",
    },
)


def canonical_names(found: Iterable[str]) -> dict[str, str]:
    """Maps the table's names to the names in a file, which are the same."""
    return {name: name for name in found}


def recognises(found: Iterable[str]) -> bool:
    """Whether tensors have the names of this library."""
    wanted = {"pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight"}
    return wanted <= set(found)


def configuration(path: pathlib.Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an empty dict: files of these libraries have no configuration."""
    return {}
