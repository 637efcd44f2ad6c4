"""The training step of Hugging Face's masked autoencoder, as a peer."""

LEARNING_RATE, BETAS, WEIGHT_DECAY = 1e-4, (0.9, 0.95), 0.05
MASK_RATIO = 0.75


def hugging_face_step(images, patch_size, encoder, decoder, compiled, bfloat16=False):
    """A step of `ViTMAEForPreTraining` on a batch in the memory of the device.

    The images are channels first there, and AdamW is the fused one of PyTorch.

    Args:
        images: Float32 array of shape `(batch, side, side, 3)`.
        patch_size: Int.
        encoder: Triple of ints, width, blocks and heads.
        decoder: The same.
        compiled: Bool, whether `torch.compile` compiles the model.
        bfloat16: Bool, whether PyTorch's autocast computes in bfloat16.

    Returns:
        A function without arguments that runs a step, waits and returns the loss.
    """
    import torch
    from transformers import ViTMAEConfig
    from transformers import ViTMAEForPreTraining

    (width, depth, heads), (narrow, shallow, few) = encoder, decoder
    config = ViTMAEConfig(
        image_size=images.shape[1],
        patch_size=patch_size,
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        decoder_hidden_size=narrow,
        decoder_num_hidden_layers=shallow,
        decoder_num_attention_heads=few,
        decoder_intermediate_size=4 * narrow,
        mask_ratio=MASK_RATIO,
        norm_pix_loss=False,
        layer_norm_eps=1e-6,
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = ViTMAEForPreTraining(config).to(device).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), LEARNING_RATE, BETAS, weight_decay=WEIGHT_DECAY, fused=True
    )
    pixels = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).to(device)
    forward = torch.compile(model) if compiled else model

    def step():
        with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            loss = forward(pixel_values=pixels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step
