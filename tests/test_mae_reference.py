"""The MAE against an independent implementation, and against Hugging Face's."""

import numpy as np
import pytest
from conftest import compute
from conftest import random_visible
from conftest import randomize
from keras import ops
from reference_mae import ReferenceMAE

import keras_mra

TOLERANCE = dict(rtol=1e-4, atol=1e-4)

CONFIGURATIONS = {
    "square": dict(image_shape=(16, 16, 3), patch_size=4),
    "rectangular": dict(
        image_shape=(8, 24, 1),
        patch_size=(4, 6),
        value_range=(0, 1),
        mean=0.3,
        std=0.2,
    ),
    "four_channels": dict(
        image_shape=(18, 12, 4),
        patch_size=(3, 2),
        value_range=(-1, 1),
        mean=(0.1, 0.2, 0.3, 0.4),
        std=(0.9, 0.8, 0.7, 0.6),
        encoder_heads=4,
        encoder_depth=3,
    ),
    "norm_pix": dict(
        image_shape=(12, 8, 3),
        patch_size=4,
        norm_pix_loss=True,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        layer_norm_epsilon=1e-5,
        mlp_ratio=4.0,
    ),
}


class Case:
    """A model with random weights, its reference, images and visible patches."""

    def __init__(self, **arguments):
        self.mae = make_mae(**arguments)
        self.reference = ReferenceMAE(self.mae)
        rng = np.random.default_rng(1)
        low, high = self.mae.value_range
        shape = (3, *self.mae.image_shape)
        self.images = rng.uniform(low, high, shape).astype("float32")
        self.visible = random_visible(
            rng, 3, self.mae.num_patches, self.mae.num_visible
        )


def make_mae(**arguments):
    defaults = dict(
        encoder_dim=16, encoder_depth=2, encoder_heads=2,
        decoder_dim=24, decoder_depth=2, decoder_heads=3, mlp_ratio=2.5,
    )  # fmt: skip
    return randomize(keras_mra.MAE(**{**defaults, **arguments}))


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def case(request):
    return Case(**CONFIGURATIONS[request.param])


def test_encode(case):
    encoded = compute(case.mae.encode, case.images)
    np.testing.assert_allclose(encoded, case.reference.encode(case.images), **TOLERANCE)


def test_attention_of_every_block(case):
    depth = case.mae.encoder_depth
    blocks = [-1, *range(depth)]
    found = compute(
        lambda images: [case.mae.attention(images, block=b) for b in blocks],
        case.images,
    )
    for block, attention in zip(blocks, found):
        expected = case.reference.attention(case.images, block)
        np.testing.assert_allclose(attention, expected, rtol=1e-4, atol=1e-6)


def test_predict_patches(case):
    predicted = compute(case.mae.predict_patches, case.images, case.visible)
    expected = case.reference.predict_patches(case.images, case.visible)
    np.testing.assert_allclose(predicted, expected, **TOLERANCE)
    # The order in which the visible patches are named does not matter.
    reordered = np.flip(case.visible, axis=1).copy()
    predicted = compute(case.mae.predict_patches, case.images, reordered)
    np.testing.assert_allclose(predicted, expected, **TOLERANCE)


def test_reconstruction_loss(case):
    loss = compute(case.mae.reconstruction_loss, case.images, case.visible)
    assert loss.shape == () and loss.dtype == "float32"
    expected = case.reference.loss(case.images, case.visible)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


@pytest.mark.parametrize("case", ["norm_pix"], indirect=True)
def test_loss_that_fit_minimises(case):
    """It is the published one, for the masks that the model drew."""
    case.mae.compile("sgd")
    outputs = case.mae(case.images)
    loss = ops.convert_to_numpy(case.mae.compute_loss(y_pred=outputs))
    visible = ops.convert_to_numpy(outputs["visible"])
    expected = case.reference.loss(case.images, visible)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


@pytest.mark.parametrize("norm_pix_loss", [False, True])
def test_hugging_face(norm_pix_loss):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    config = transformers.ViTMAEConfig(
        image_size=16,
        patch_size=4,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=40,
        decoder_hidden_size=24,
        decoder_num_hidden_layers=2,
        decoder_num_attention_heads=3,
        decoder_intermediate_size=60,
        layer_norm_eps=1e-6,
        norm_pix_loss=norm_pix_loss,
        mask_ratio=0.75,
        attn_implementation="eager",
    )
    theirs = transformers.ViTMAEForPreTraining(config).eval()
    initialize_positions(theirs)
    ours = make_mae(
        image_shape=(16, 16, 3), patch_size=4, norm_pix_loss=norm_pix_loss,
        value_range=(0, 1), mean=mean, std=std,
    )  # fmt: skip
    copy_to_hugging_face(ours, theirs)

    rng = np.random.default_rng(2)
    images = rng.uniform(size=(3, 16, 16, 3)).astype("float32")
    noise = rng.uniform(size=(3, 16)).astype("float32")
    visible = np.argsort(noise, axis=1)[:, :4].astype("int32")
    normalized = ((images - mean) / std).transpose(0, 3, 1, 2).astype("float32")
    with torch.no_grad():
        inputs = torch.from_numpy(normalized), torch.from_numpy(noise)
        hidden = theirs.vit(*inputs)
        expected = theirs(*inputs)
        theirs.vit.embeddings.config.mask_ratio = 0.0
        in_order = torch.arange(16.0)[None].repeat(3, 1)
        whole = theirs.vit(inputs[0], noise=in_order, output_attentions=True)

    shown = np.take_along_axis(
        ops.convert_to_numpy(ours.patchify(images)), visible[..., None], axis=1
    )
    tokens = compute(ours.encoder, {"patches": shown, "indices": visible})
    last = whole.attentions[-1].mean(dim=1)[:, 0, 1:]  # (B, N)
    for found, wanted in [
        (tokens, hidden.last_hidden_state),
        (compute(ours.predict_patches, images, visible), expected.logits),
        (compute(ours.reconstruction_loss, images, visible), expected.loss),
        (compute(ours.encode, images), whole.last_hidden_state),
        (compute(ours.attention, images), last / last.sum(dim=-1, keepdim=True)),
    ]:
        np.testing.assert_allclose(found, wanted.numpy(), **TOLERANCE)


def initialize_positions(model):
    """Sets the sine-cosine positions, which a model made afresh leaves at zero."""
    for tensor in [*model.modules(), *model.parameters()]:
        tensor._is_hf_initialized = False
    model.vit.embeddings.initialize_weights()
    model.decoder.initialize_weights(model.vit.embeddings.patch_embeddings.num_patches)
    assert model.vit.embeddings.position_embeddings.abs().sum() > 1
    assert model.decoder.decoder_pos_embed.abs().sum() > 1


def copy_to_hugging_face(mae, model):
    """Copies all weights; refuses to leave one out."""
    import torch

    def linear(target, source):
        return {f"{target}.weight": source.kernel, f"{target}.bias": source.bias}

    def norm(target, source):
        return {f"{target}.weight": source.gamma, f"{target}.bias": source.beta}

    def block(target, source):
        return {
            **norm(f"{target}.layernorm_before", source.norm1),
            **norm(f"{target}.layernorm_after", source.norm2),
            **linear(f"{target}.attention.q_proj", source.query),
            **linear(f"{target}.attention.k_proj", source.key),
            **linear(f"{target}.attention.v_proj", source.value),
            **linear(f"{target}.attention.o_proj", source.output_projection),
            **linear(f"{target}.mlp.fc1", source.mlp_in),
            **linear(f"{target}.mlp.fc2", source.mlp_out),
        }

    encoder, decoder = mae.encoder.get_layer, mae.decoder.get_layer
    sources = {
        **linear(
            "vit.embeddings.patch_embeddings.projection",
            encoder("patch_embedding").projection,
        ),
        "vit.embeddings.cls_token": encoder("class_token").token,
        **norm("vit.layernorm", encoder("norm")),
        **linear("decoder.decoder_embed", decoder("embedding")),
        "decoder.mask_token": decoder("restore_tokens").token,
        **norm("decoder.decoder_norm", decoder("norm")),
        **linear("decoder.decoder_pred", decoder("pixels")),
    }
    for i in range(mae.encoder_depth):
        sources.update(block(f"vit.layers.{i}", encoder(f"block_{i}")))
    for i in range(mae.decoder_depth):
        sources.update(block(f"decoder.decoder_layers.{i}", decoder(f"block_{i}")))

    targets = {k: p for k, p in model.named_parameters() if p.requires_grad}
    assert set(targets) == set(sources), set(targets) ^ set(sources)
    with torch.no_grad():
        for name, target in targets.items():
            value = np.array(ops.convert_to_numpy(sources[name]))
            if target.ndim == 4:  # a convolution: (row, column, channel) kernels
                size = model.config.patch_size
                value = value.reshape(size, size, -1, value.shape[-1])
                value = value.transpose(3, 2, 0, 1)
            elif name.endswith("weight") and target.ndim == 2:
                value = value.T
            target.copy_(
                torch.from_numpy(np.ascontiguousarray(value)).view(target.shape)
            )
