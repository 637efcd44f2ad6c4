"""Hugging Face's ViTMAE with random weights, as a reference for our `MAE`."""

import numpy as np

from helpers.models import compute

TOLERANCE = dict(rtol=1e-4, atol=1e-4)


def make(
    image_size=16, patch_size=4, channels=3, kind="ViTMAEForPreTraining", **config
):
    """Makes a small model in evaluation mode whose weights are all random.

    Args:
        **config: Arguments of `ViTMAEConfig` that replace the small ones.
    """
    import torch
    import transformers

    config = transformers.ViTMAEConfig(
        **{
            "image_size": image_size,
            "patch_size": patch_size,
            "num_channels": channels,
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 40,
            "decoder_hidden_size": 24,
            "decoder_num_hidden_layers": 1,
            "decoder_num_attention_heads": 3,
            "decoder_intermediate_size": 60,
            "attn_implementation": "eager",
            **config,
        }
    )
    model = getattr(transformers, kind)(config).eval()
    initialize_positions(model)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:  # positions are fixed
                parameter.normal_(0.0, 0.4, generator=generator)
    return model


def initialize_positions(model):
    """Sets the fixed positions, which are zero in a new model."""
    for tensor in [*model.modules(), *model.parameters()]:
        tensor._is_hf_initialized = False
    base = getattr(model, "vit", model)
    base.embeddings.initialize_weights()
    assert base.embeddings.position_embeddings.abs().sum() > 1
    if hasattr(model, "decoder"):
        count = base.embeddings.patch_embeddings.num_patches
        model.decoder.initialize_weights(count)
        assert model.decoder.decoder_pos_embed.abs().sum() > 1


def outputs(model, pixels, noise):
    """Runs a model on normalised images.

    Args:
        pixels: Array `(batch, height, width, channels)`.
        noise: Array `(batch, patches)`. The patches with the smallest values are kept.

    Returns:
        Dict of arrays: `visible`, the kept patches; `hidden`, their tokens; `logits`
        and `loss`, if there is a decoder; `tokens` of the whole images; and
        `attention` of the class token in the last block.
    """
    import torch

    base = getattr(model, "vit", model)
    inputs = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
    noise = torch.from_numpy(noise)
    ratio = base.config.mask_ratio
    kept = int(noise.shape[1] * (1 - ratio))
    found = {"visible": np.argsort(noise.numpy(), axis=1)[:, :kept].astype("int32")}
    with torch.no_grad():
        found["hidden"] = base(inputs, noise=noise).last_hidden_state.numpy()
        if base is not model:
            predicted = model(inputs, noise=noise)
            found["logits"] = predicted.logits.numpy()
            found["loss"] = predicted.loss.numpy()
        base.embeddings.config.mask_ratio = 0.0
        in_order = torch.arange(float(noise.shape[1]))[None].repeat(len(noise), 1)
        whole = base(inputs, noise=in_order, output_attentions=True)
        base.embeddings.config.mask_ratio = ratio
    attention = whole.attentions[-1].mean(dim=1)[:, 0, 1:]  # (B, N)
    found["tokens"] = whole.last_hidden_state.numpy()
    found["attention"] = (attention / attention.sum(dim=-1, keepdim=True)).numpy()
    return found


def published(model, decoder=True):
    """Converts a model to a state dict with the original release's names."""
    import torch

    mae = {k.removeprefix("vit."): v for k, v in model.state_dict().items()}
    found = {
        "cls_token": mae["embeddings.cls_token"],
        "pos_embed": mae["embeddings.position_embeddings"],
        "patch_embed.proj.weight": mae["embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": mae["embeddings.patch_embeddings.projection.bias"],
    }
    stacks = [("layers.", "blocks."), ("decoder.decoder_layers.", "decoder_blocks.")]
    single = [("layernorm.", "norm.")]
    if decoder:
        found["mask_token"] = mae["decoder.mask_token"]
        found["decoder_pos_embed"] = mae["decoder.decoder_pos_embed"]
        for name in ("decoder_embed", "decoder_norm", "decoder_pred"):
            single.append((f"decoder.{name}.", f"{name}."))
    inner = {
        "layernorm_before": "norm1", "attention.o_proj": "attn.proj",
        "layernorm_after": "norm2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
    }  # fmt: skip
    for theirs, published_name in single:
        for kind in ("weight", "bias"):
            found[published_name + kind] = mae[theirs + kind]
    for theirs, published_name in stacks[: 2 if decoder else 1]:
        depth = len(
            {k.split(".")[theirs.count(".")] for k in mae if k.startswith(theirs)}
        )
        for i in range(depth):
            for kind in ("weight", "bias"):
                found[f"{published_name}{i}.attn.qkv.{kind}"] = torch.cat(
                    [mae[f"{theirs}{i}.attention.{p}_proj.{kind}"] for p in "qkv"]
                )
                for old, new in inner.items():
                    found[f"{published_name}{i}.{new}.{kind}"] = mae[
                        f"{theirs}{i}.{old}.{kind}"
                    ]
    return {k: v.clone().contiguous() for k, v in found.items()}


def edit(folder, change):
    """Changes the tensors in a folder that a model saved.

    Args:
        change: Function that changes a dict from names to arrays.
    """
    from safetensors.numpy import load_file
    from safetensors.numpy import save_file

    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def some_images(model, batch=3):
    """Random images in [0, 1] of a model's size, and noise for `outputs`."""
    config = model.config
    shape = (batch, config.image_size, config.image_size, config.num_channels)
    rng = np.random.default_rng(0)
    patches = (config.image_size // config.patch_size) ** 2
    noise = rng.uniform(size=(batch, patches)).astype("float32")
    return rng.uniform(size=shape).astype("float32"), noise


def assert_same_outputs(mae, images, model, pixels, noise):
    """Compares all outputs of two models.

    Args:
        mae: Our model.
        images: Array `(batch, height, width, channels)`, in its `value_range`.
        model: Hugging Face's model.
        pixels: The same images, normalised.
        noise: Array `(batch, patches)`, as in `outputs`.
    """
    theirs = outputs(model, pixels, noise)
    visible = theirs["visible"]
    shown = np.take_along_axis(
        compute(mae.patchify, images), visible[..., None], axis=1
    )
    found = {
        "hidden": compute(mae.encoder, {"patches": shown, "indices": visible}),
        "tokens": compute(mae.encode, images),
        "attention": compute(mae.attention, images),
    }
    if mae.decoder is not None:
        found["logits"] = compute(mae.predict_patches, images, visible)
        found["loss"] = compute(mae.reconstruction_loss, images, visible)
    assert found.keys() == theirs.keys() - {"visible"}
    for name, value in found.items():
        np.testing.assert_allclose(value, theirs[name], **TOLERANCE, err_msg=name)
