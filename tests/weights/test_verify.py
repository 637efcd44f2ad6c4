"""Tensors and configurations that are not those of an MAE."""

import json

import numpy as np
import pytest

import keras_mra

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from helpers import hugging_face  # noqa: E402

pytestmark = pytest.mark.once

HEADS = dict(encoder_heads=2, decoder_heads=3, norm_pix_loss=False)
QUERY = "vit.encoder.layer.0.attention.attention.query.weight"


@pytest.mark.parametrize(
    "change,message",
    [
        (lambda t: t.pop(QUERY), "layer.0.attention.attention.query.weight is missing"),
        (lambda t: t.update(extra=np.zeros(3, "float32")), "extra is unexpected"),
        (
            lambda t: t.update({QUERY: t[QUERY][:, :8].copy()}),
            r"query.weight has shape \(16, 8\), not \(16, 16\)",
        ),
        (lambda t: t[QUERY].__setitem__(0, np.nan), "finite values.*query.weight"),
        (lambda t: t.pop("vit.embeddings.cls_token"), "cls_token is missing"),
        (
            lambda t: t.pop("decoder.decoder_pos_embed"),
            "must have a tensor 'decoder.decoder_pos_embed' of rank 3",
        ),
    ],
)
def test_tensors_that_do_not_fit(folder, change, message):
    hugging_face.edit(folder, change)
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder)


def test_other_models(tmp_path):
    import transformers

    sizes = dict(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, image_size=16, patch_size=4,
    )  # fmt: skip
    for kind, config in (
        ("ViTForImageClassification", transformers.ViTConfig(**sizes)),
        ("BeitModel", transformers.BeitConfig(**sizes)),
        ("Dinov2Model", transformers.Dinov2Config(**sizes)),
    ):
        folder = tmp_path / kind
        getattr(transformers, kind)(config).save_pretrained(folder)
        with pytest.raises(ValueError, match="ViTMAE|masked autoencoder"):
            keras_mra.MAE.from_preset(folder)
    state = hugging_face.published(hugging_face.make(), decoder=False)
    classifier = {
        **state,
        "head.weight": torch.zeros(10, 16),
        "head.bias": torch.zeros(10),
    }
    torch.save(classifier, tmp_path / "classifier.pth")
    with pytest.raises(ValueError, match="head.bias is unexpected; head.weight is une"):
        keras_mra.MAE.from_preset(tmp_path / "classifier.pth", encoder_heads=2)


def test_unknown_heads_must_be_given(tmp_path):
    torch.save(
        hugging_face.published(hugging_face.make(), decoder=False), tmp_path / "a.pth"
    )
    with pytest.raises(ValueError, match="`encoder_heads` must be given.*width of 16"):
        keras_mra.MAE.from_preset(tmp_path / "a.pth")


def test_a_folder_without_configuration(folder):
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match="needs the config.json of a ViTMAE.*none"):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize(
    "change,message",
    [
        (dict(num_hidden_layers=3), "encoder_depth=3, as its conf.*encoder_depth=2"),
        (dict(decoder_num_hidden_layers=2), "decoder_depth=2.*decoder_depth=1"),
        (dict(hidden_size=32), "encoder_dim=32.*encoder_dim=16"),
        (dict(patch_size=8), r"patch_size=\(8, 8\).*patch_size=\(4, 4\)"),
        (dict(num_channels=1), "channels=1.*channels=3"),
        (dict(image_size="16"), "`image_size` must be a positive integer or.*'16'"),
        (dict(image_size=[16]), r"`image_size` must be.*Received: image_size=\[16\]"),
        (dict(image_size=32), "positions of an image of 32 pixels.*16 patches of 4x4"),
        (dict(norm_pix_loss="false"), "norm_pix_loss=true or false.*'false'"),
        (dict(num_attention_heads=float("nan")), "The configuration.*heads=nan"),
        (dict(decoder_num_attention_heads=float("nan")), "`decoder_heads`.*=nan"),
        (dict(num_attention_heads=3), "divisible by `encoder_heads`.*encoder_heads=3"),
        (dict(layer_norm_eps=None), r"`layer_norm_epsilon` must be in \(0, 1\]"),
        (dict(hidden_act="relu"), "hidden_act='gelu'.*Received: 'relu'"),
        (dict(qkv_bias=False), "qkv_bias=True.*Received: False"),
        (dict(model_type="vit"), "config.json of a ViTMAE.*one of 'vit'"),
    ],
)
def test_a_configuration_that_contradicts_the_tensors(folder, change, message):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize(
    "document,message",
    [
        (dict(image_mean="abc", image_std=1), "`image_mean` must be.*'abc'"),
        (dict(image_mean={"a": 1}, image_std=1), "`image_mean` must be.*'a': 1"),
        (dict(image_mean=0, image_std=[0] * 3), r"`image_std` must be.*\[0, 0, 0\]"),
        (dict(image_mean=[0] * 2, image_std=1), r"`image_mean` must be.*\(3\)"),
        (dict(rescale_factor=0), "`rescale_factor` must be a positive.*=0"),
    ],
)
def test_a_bad_preprocessor(folder, document, message):
    (folder / "preprocessor_config.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match="The preprocessor of.*" + message):
        keras_mra.MAE.from_preset(folder)


PATCHES = "vit.embeddings.patch_embeddings.projection.weight"


BLOCK = "vit.encoder.layer.{}.layernorm_before.weight"


@pytest.mark.parametrize(
    "change,message",
    [
        # A model of these sizes would have 1e12 weights.
        (
            lambda t: t.update({PATCHES: np.zeros((10**6, 3, 4, 4), "int8")}),
            "tensors of floats.*of I8",
        ),
        (
            lambda t: t.update({PATCHES: np.zeros((10**5, 3, 4, 4), "float16")}),
            "one ratio.*0.0004 in the encoder, 2.5 in the decoder",
        ),
        (
            lambda t: t.update({BLOCK.format(10**9): np.zeros(16, "float32")}),
            "encoder_depth=2, as.*encoder_depth=3",
        ),
        (
            lambda t: t.update({BLOCK.format(7): t.pop(BLOCK.format(1))}),
            "encoder_depth=3",
        ),
        (
            lambda t: t.update({"embeddings.cls_token": np.zeros(1, "float32")}),
            r"two tensors for one weight.*\['embeddings.cls_token'\]",
        ),
        (
            lambda t: t.update(
                {"decoder.decoder_pos_embed": np.zeros((1, 10, 24), "float32")}
            ),
            r"decoder_pos_embed has shape \(1, 10, 24\), not \(1, 17, 24\)",
        ),
        (
            lambda t: t.update(
                {"vit.embeddings.position_embeddings": np.zeros((2, 17, 16), "float32")}
            ),
            r"position_embeddings has shape \(2, 17, 16\), not \(1, 17, 16\)",
        ),
    ],
)
def test_hostile_tensors_are_refused_before_a_model_is_made(
    folder, monkeypatch, change, message
):
    monkeypatch.setattr(keras_mra.MAE, "__init__", None)
    hugging_face.edit(folder, change)
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder)


def test_a_projection_that_claims_a_wide_model(tmp_path, monkeypatch):
    """Small tensors that claim a model of 1e12 weights."""
    monkeypatch.setattr(keras_mra.MAE, "__init__", None)
    state = hugging_face.published(hugging_face.make(), decoder=False)
    state["patch_embed.proj.weight"] = torch.zeros(10**6, 3, 4, 4, dtype=torch.half)
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(
        ValueError, match=r"cls_token has shape \(1, 1, 16\), not \(1, 1, 10000"
    ):
        keras_mra.MAE.from_preset(tmp_path / "a.pth", **HEADS)
