"""Names of Hugging Face's `ViTMAEForPreTraining` and `ViTMAEModel`."""

import pathlib
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from keras_mra.weights.name_table import NameTable

NAME = "Hugging Face ViTMAE"
CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
# `ViTMAEForPreTraining` puts this before the encoder's names; `ViTMAEModel` does not.
PREFIX = "vit."
TABLE = NameTable(
    layers={
        "encoder/patch_embedding/projection": "embeddings.patch_embeddings.projection",
        "encoder/class_token": "embeddings.cls_token",
        "encoder/positions": "embeddings.position_embeddings",
        "encoder/norm": "layernorm",
        "decoder/embedding": "decoder.decoder_embed",
        "decoder/mask_token": "decoder.mask_token",
        "decoder/positions": "decoder.decoder_pos_embed",
        "decoder/norm": "decoder.decoder_norm",
        "decoder/pixels": "decoder.decoder_pred",
    },
    blocks={"encoder": "encoder.layer", "decoder": "decoder.decoder_layers"},
    block={
        "norm1": "layernorm_before",
        "query": "attention.attention.query",
        "key": "attention.attention.key",
        "value": "attention.attention.value",
        "output_projection": "attention.output.dense",
        "norm2": "layernorm_after",
        "mlp_in": "intermediate.dense",
        "mlp_out": "output.dense",
    },
)
# Defaults of `ViTMAEConfig`, for what a `config.json` leaves out.
DEFAULTS = {
    "image_size": 224,
    "layer_norm_eps": 1e-12,
    "mask_ratio": 0.75,
    "norm_pix_loss": False,
    "num_attention_heads": 12,
    "decoder_num_attention_heads": 16,
    "hidden_act": "gelu",
    "qkv_bias": True,
}
# Sizes that the tensors' shapes have to confirm, and our names for them.
DECLARED_SIZES = {
    "num_channels": "channels",
    "patch_size": "patch_size",
    "hidden_size": "encoder_dim",
    "num_hidden_layers": "encoder_depth",
    "decoder_hidden_size": "decoder_dim",
    "decoder_num_hidden_layers": "decoder_depth",
}


def canonical_names(found: Iterable[str]) -> dict[str, str]:
    """Maps the table's names to the names in a file.

    The names differ by the prefix of `ViTMAEForPreTraining`, and by the name that
    transformers 5 gives to the decoder's blocks.
    """
    return {
        name.removeprefix(PREFIX).replace(
            "decoder.decoder_encoder.layer.", "decoder.decoder_layers."
        ): name
        for name in found
    }


def recognises(found: Iterable[str]) -> bool:
    """Whether tensors have the names of this library."""
    wanted = {
        "embeddings.position_embeddings",
        "embeddings.patch_embeddings.projection.weight",
    }
    return wanted <= set(found)


def configuration(path: pathlib.Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Translates a `config.json` to our names.

    Args:
        path: The file of tensors, for messages.
        config: The content of `config.json`, or an empty dict if there is none.

    Returns:
        A dict of settings. `declared` holds the sizes that the file states, for
        comparison with the tensors.

    Raises:
        ValueError: If there is no configuration, or it describes another model.
    """
    if config.get("model_type") != "vit_mae":
        raise ValueError(
            f"{str(path)!r} needs the config.json of a ViTMAE beside it. Received: "
            + (f"one of {config.get('model_type')!r}" if config else "none")
        )
    declared = {
        ours: config[name] for name, ours in DECLARED_SIZES.items() if name in config
    }
    config = {**DEFAULTS, **config}
    if not isinstance(config["norm_pix_loss"], bool):
        raise ValueError(
            f"The configuration of {str(path)!r} must have norm_pix_loss=true or "
            f"false. Received: {config['norm_pix_loss']!r}"
        )
    for name in ("hidden_act", "qkv_bias"):
        if config[name] != DEFAULTS[name]:
            raise ValueError(
                f"The configuration of {str(path)!r} must have "
                f"{name}={DEFAULTS[name]!r}, as in every MAE of this package. "
                f"Received: {config[name]!r}"
            )
    return {
        "image_size": config["image_size"],
        "layer_norm_epsilon": config["layer_norm_eps"],
        "mask_ratio": config["mask_ratio"],
        "norm_pix_loss": config["norm_pix_loss"],
        "encoder_heads": config["num_attention_heads"],
        "decoder_heads": config["decoder_num_attention_heads"],
        "declared": declared,
    }
