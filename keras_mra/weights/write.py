"""Writes a folder that Hugging Face's `transformers` loads as a ViTMAE."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_mra import checks
from keras_mra import files
from keras_mra import masking
from keras_mra.weights import hugging_face
from keras_mra.weights.hugging_face import CONFIG
from keras_mra.weights.hugging_face import PREPROCESSOR
from keras_mra.weights.name_table import NumpyArray

TENSORS = "model.safetensors"
# Without the last, the others are not a model.
NAMES = [TENSORS, PREPROCESSOR, CONFIG]


def write_vit_mae(
    folder: pathlib.Path, config: Mapping[str, Any], arrays: Mapping[str, NumpyArray]
) -> None:
    """Writes `model.safetensors`, `config.json` and `preprocessor_config.json`.

    Args:
        folder: Folder of the files; made if missing. The files are replaced only when
            all three are completely written.
        config: The arguments of the `MAE`.
        arrays: Dict from our paths to the weights. Positions are
            `(1 + patches, dim)`, the class token's first.

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
    tensors = _tensors(config, arrays)
    documents = {CONFIG: _config(config), PREPROCESSOR: _preprocessor(config)}
    try:
        files.probe_folder("path", folder, tuple(NAMES))
        with files.replacing_together(folder, NAMES, "path") as parts:
            save_file(tensors, parts[TENSORS], metadata={"format": "pt"})
            for name, document in documents.items():
                parts[name].write_text(files.json_text(document), encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise OSError(
            f"`path` {str(folder)!r} could not be written: {error}"
        ) from error


def _tensors(
    config: Mapping[str, Any], arrays: Mapping[str, NumpyArray]
) -> dict[str, NumpyArray]:
    """The weights under Hugging Face's names and in their form."""
    patch_shape = (*config["patch_size"], config["image_shape"][-1])
    tensors = {}
    for entry in hugging_face.TABLE.entries(
        config["encoder_depth"], config["decoder_depth"]
    ):
        name = entry.theirs
        if config["decoder_depth"] and entry.ours.startswith("encoder/"):
            name = hugging_face.PREFIX + name
        array = entry.to_theirs(arrays[entry.ours], patch_shape)
        tensors[name] = np.ascontiguousarray(array, "float32")
    return tensors


def _config(config: Mapping[str, Any]) -> dict[str, Any]:
    kind = "ViTMAEForPreTraining" if config["decoder_depth"] else "ViTMAEModel"
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
        # `ViTMAEConfig` holds one ratio: the highest of a range.
        "mask_ratio": masking.ratio_range(config["mask_ratio"])[1],
        "norm_pix_loss": config["norm_pix_loss"],
        "qkv_bias": True,
        "torch_dtype": "float32",
    }


def _preprocessor(config: Mapping[str, Any]) -> dict[str, Any]:
    """The preprocessing of images of 0 to 255, whatever `value_range` is."""
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
