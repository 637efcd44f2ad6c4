"""A folder that Hugging Face's `transformers` loads as a ViTMAE."""

import json
import os

import numpy as np

from keras_mra import checks
from keras_mra.weights import vit_mae
from keras_mra.weights.layout import to_theirs


def write_vit_mae(folder, config, arrays):
    """Writes `config.json`, `model.safetensors` and `preprocessor_config.json`.

    Args:
        folder: `pathlib.Path`, made if missing. Files are replaced only when all are
            completely written.
        config: Dict, the configuration of an `MAE`.
        arrays: Dict from our names to its weights; positions `(1 + patches, dim)`.

    Raises:
        OSError: If the folder cannot be written.
        ImportError: If `safetensors` is not installed.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import save_file
    except ImportError as error:
        raise ImportError(
            "`export_transformers` needs safetensors: pip install 'keras-mra[hub]'"
        ) from error
    has_decoder = config["decoder_depth"] > 0
    tensors = {
        entry.theirs: to_theirs(
            entry,
            arrays[entry.ours],
            (*config["patch_size"], config["image_shape"][-1]),
        )
        for entry in vit_mae.entries(config["encoder_depth"], config["decoder_depth"])
    }
    tensors = {
        # A `ViTMAEModel` alone has no prefix.
        name
        if name.startswith("decoder.") or not has_decoder
        else vit_mae.PREFIX + name: np.ascontiguousarray(array, "float32")
        for name, array in tensors.items()
    }
    documents = {
        "config.json": _config(config, has_decoder),
        "preprocessor_config.json": _preprocessor(config),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        parts = {name: folder / f"part.{name}" for name in documents}
        parts["model.safetensors"] = folder / "part.model.safetensors"
        try:
            save_file(tensors, parts["model.safetensors"], metadata={"format": "pt"})
            for name, document in documents.items():
                text = json.dumps(document, indent=2) + "\n"
                parts[name].write_text(text, encoding="utf-8")
            for name, part in parts.items():
                os.replace(part, folder / name)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
    except (OSError, SafetensorError) as error:
        raise OSError(
            f"`path` {str(folder)!r} could not be written: {error}"
        ) from error


def _config(config, has_decoder):
    kind = "ViTMAEForPreTraining" if has_decoder else "ViTMAEModel"
    ratio = config["mlp_ratio"]
    return {
        "architectures": [kind],
        "model_type": "vit_mae",
        "image_size": config["image_shape"][0],
        "patch_size": config["patch_size"][0],
        "num_channels": config["image_shape"][-1],
        "hidden_size": config["encoder_dim"],
        "num_hidden_layers": config["encoder_depth"],
        "num_attention_heads": config["encoder_heads"],
        "intermediate_size": checks.hidden_width(config["encoder_dim"], ratio),
        "decoder_hidden_size": config["decoder_dim"],
        "decoder_num_hidden_layers": config["decoder_depth"],
        "decoder_num_attention_heads": config["decoder_heads"],
        "decoder_intermediate_size": checks.hidden_width(config["decoder_dim"], ratio),
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "layer_norm_eps": config["layer_norm_epsilon"],
        "mask_ratio": config["mask_ratio"],
        "norm_pix_loss": config["norm_pix_loss"],
        "qkv_bias": True,
        "torch_dtype": "float32",
    }


def _preprocessor(config):
    """For images of 0 to 255, which theirs takes, whatever `value_range` is."""
    side = config["image_shape"][0]
    document = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": side, "width": side},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": config["mean"] is not None or config["std"] is not None,
    }
    channels = config["image_shape"][-1]
    if document["do_normalize"]:
        document["image_mean"] = list(config["mean"] or [0.0] * channels)
        document["image_std"] = list(config["std"] or [1.0] * channels)
    return document
