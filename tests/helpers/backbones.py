"""Backbones of KerasHub with the random weights of models of `transformers`."""

import importlib
import json
import tempfile

import keras_hub
import numpy as np
import torch
import transformers
from safetensors.numpy import load_file

# Their models and configurations, and KerasHub's converter.
KINDS = {
    "vit": ("ViT", "convert_vit"),
    "deit": ("DeiT", "convert_deit"),
    "dinov2": ("Dinov2", "convert_dinov2"),
    "registers": ("Dinov2WithRegisters", "convert_dinov2"),
    "dinov3": ("DINOv3ViT", "convert_dinov3"),
}


class Loader:
    """Gives KerasHub's converters the weights of a file without a prefix."""

    def __init__(self, weights):
        self.weights = weights

    def port_weight(self, keras_variable, hf_weight_key, hook_fn=None):
        name = hf_weight_key.removeprefix("vit.").removeprefix("deit.")
        value = self.weights[name]
        if hook_fn is not None:
            value = hook_fn(value, keras_variable.shape)
        keras_variable.assign(value)


def make_pair(kind, image_size=28, patch_size=14, trained_size=None, **arguments):
    """A backbone and the model of `transformers` with the same random weights.

    Args:
        kind: A key of `KINDS`.
        image_size: Int, the size of the backbone's images.
        patch_size: Int.
        trained_size: Int or `None`, the size that learned positions belong to, where it
            is another.
        **arguments: Of the configuration of `transformers`, and `dtype` of KerasHub.

    Returns:
        The backbone, and the model in evaluation mode.
    """
    dtype = arguments.pop("dtype", None)
    prefix, converter = KINDS[kind]
    sizes = dict(
        hidden_size=24,
        num_hidden_layers=3,
        num_attention_heads=3,
        image_size=trained_size or image_size,
        patch_size=patch_size,
    )
    if kind.startswith(("dinov2", "registers")):
        sizes["mlp_ratio"] = 2
    else:
        sizes["intermediate_size"] = 48
    config = getattr(transformers, f"{prefix}Config")(
        **{**sizes, **arguments}, attn_implementation="eager"
    )
    model = _randomized(getattr(transformers, f"{prefix}Model")(config).eval())
    module = f"keras_hub.src.utils.transformers.{converter}"
    converter = importlib.import_module(module)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        with open(f"{folder}/config.json") as file:
            found = json.load(file)
        given = converter.convert_backbone_config(found)
        given["image_shape"] = (image_size, image_size, 3)
        if kind in ("vit", "deit"):  # KerasHub leaves it at its default.
            given["layer_norm_epsilon"] = config.layer_norm_eps
        weights = load_file(f"{folder}/model.safetensors")
    backbone = converter.backbone_cls(**given, dtype=dtype)
    converter.convert_weights(backbone, Loader(weights), found)
    return backbone, model


def attention_maps(model, images, **arguments):
    """Attention `(blocks, batch, heads, tokens, tokens)` of `transformers`.

    Args:
        model: What `make_pair` returned.
        images: Normalised array `(batch, height, width, 3)`.
    """
    pixels = torch.tensor(images.transpose(0, 3, 1, 2))
    with torch.no_grad():
        found = model(pixels, output_attentions=True, **arguments).attentions
    return np.stack([a.numpy() for a in found])


def small_dino(**arguments):
    """A small `DINOV2Backbone` with 2x2 patches."""
    return keras_hub.models.DINOV2Backbone(
        **{
            **dict(
                patch_size=14,
                num_layers=2,
                hidden_dim=16,
                num_heads=2,
                intermediate_dim=32,
                image_shape=(28, 28, 3),
                position_embedding_shape=(28, 28),
            ),
            **arguments,
        }
    )


def _randomized(model):
    """Gives all weights random values, those that start at 0 or 1 included."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("weight") and weight.ndim > 1:
                fan_in = weight[0].numel()
                weight.normal_(std=1.5 * fan_in**-0.5)
            elif "norm" in name and name.endswith("weight"):
                weight.normal_(1.0, 0.3)
            else:
                weight.normal_(std=0.5)
    return model
