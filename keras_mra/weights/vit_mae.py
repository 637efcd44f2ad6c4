"""Hugging Face's `ViTMAEForPreTraining` and `ViTMAEModel`."""

from keras_mra.weights.layout import Entry
from keras_mra.weights.layout import dense
from keras_mra.weights.layout import norm
from keras_mra.weights.layout import patches

NAME = "Hugging Face ViTMAE"
PREFIX = "vit."
PATCHES = "embeddings.patch_embeddings.projection.weight"
POSITIONS = ("embeddings.position_embeddings", "decoder.decoder_pos_embed")
BLOCKS = ("encoder.layer.0.", "decoder.decoder_layers.0.")
HIDDEN = "intermediate.dense.bias"
# What a `config.json` leaves out is its class's default.
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
# Sizes that the tensors tell too, under our names.
SIZES = {
    "num_channels": "channels",
    "patch_size": "patch_size",
    "hidden_size": "encoder_dim",
    "num_hidden_layers": "encoder_depth",
    "decoder_hidden_size": "decoder_dim",
    "decoder_num_hidden_layers": "decoder_depth",
}


def names(found):
    """The published names, as a dict to those that are found.

    `ViTMAEForPreTraining` has a prefix, and what transformers 5 saves has another name
    for the decoder's blocks.
    """
    return {
        name.removeprefix(PREFIX).replace(
            "decoder.decoder_encoder.layer.", "decoder.decoder_layers."
        ): name
        for name in found
    }


def recognises(found):
    """Whether names without prefixes are of this layout."""
    return {POSITIONS[0], PATCHES} <= set(found)


def configuration(path, config):
    """What a `config.json` tells, under our names; sizes under `declared`.

    Raises:
        ValueError: If there is none, or it is of a model that is no MAE.
    """
    if config.get("model_type") != "vit_mae":
        raise ValueError(
            f"{str(path)!r} needs the config.json of a ViTMAE beside it. Received: "
            + (f"one of {config.get('model_type')!r}" if config else "none")
        )
    declared = {ours: config[name] for name, ours in SIZES.items() if name in config}
    config = {**DEFAULTS, **config}
    if not isinstance(config["norm_pix_loss"], bool):
        raise ValueError(
            f"The configuration of {str(path)!r} must have norm_pix_loss=true or "
            f"false. Received: {config['norm_pix_loss']!r}"
        )
    for name in ("hidden_act", "qkv_bias"):
        if config[name] != DEFAULTS[name]:
            raise ValueError(
                f"{str(path)!r} must have {name}={DEFAULTS[name]!r}, as every MAE here "
                f"has. Received: {config[name]!r}"
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


def entries(encoder_depth, decoder_depth):
    """All weights; `decoder_depth` is 0 where there is no decoder."""
    found = [
        *patches(
            "encoder/patch_embedding/projection",
            "embeddings.patch_embeddings.projection",
        ),
        Entry("encoder/class_token", "embeddings.cls_token", "token"),
        Entry("encoder/positions", POSITIONS[0], "positions"),
        *_blocks("encoder", "encoder.layer", encoder_depth),
        *norm("encoder/norm", "layernorm"),
    ]
    if not decoder_depth:
        return found
    return [
        *found,
        *dense("decoder/embedding", "decoder.decoder_embed"),
        Entry("decoder/mask_token", "decoder.mask_token", "token"),
        Entry("decoder/positions", POSITIONS[1], "positions"),
        *_blocks("decoder", "decoder.decoder_layers", decoder_depth),
        *norm("decoder/norm", "decoder.decoder_norm"),
        *dense("decoder/pixels", "decoder.decoder_pred"),
    ]


def _blocks(ours, theirs, depth):
    found = []
    for i in range(depth):
        mine, other = f"{ours}/block_{i}", f"{theirs}.{i}"
        found += [
            *norm(f"{mine}/norm1", f"{other}.layernorm_before"),
            *dense(f"{mine}/query", f"{other}.attention.attention.query"),
            *dense(f"{mine}/key", f"{other}.attention.attention.key"),
            *dense(f"{mine}/value", f"{other}.attention.attention.value"),
            *dense(f"{mine}/output_projection", f"{other}.attention.output.dense"),
            *norm(f"{mine}/norm2", f"{other}.layernorm_after"),
            *dense(f"{mine}/mlp_in", f"{other}.intermediate.dense"),
            *dense(f"{mine}/mlp_out", f"{other}.output.dense"),
        ]
    return found
