"""Weights that are damaged, hostile, of another model, or asked for wrongly."""

import json
import struct
import zipfile

import numpy as np
import pytest

import keras_mra

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from helpers import hugging_face  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

HEADS = dict(encoder_heads=2, decoder_heads=3, norm_pix_loss=False)


@pytest.fixture
def folder(tmp_path):
    hugging_face.make().save_pretrained(tmp_path)
    return tmp_path


def edit(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


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
        (lambda t: t[QUERY].__setitem__(0, np.nan), "not finite"),
        (lambda t: t.pop("vit.embeddings.cls_token"), "cls_token is missing"),
        (
            lambda t: t.pop("decoder.decoder_pos_embed"),
            "must have a tensor 'decoder.decoder_pos_embed' of rank 3",
        ),
    ],
)
def test_tensors_that_do_not_fit(folder, change, message):
    edit(folder, change)
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize("keep", [0, 4, 100, -100])
def test_truncated_files(folder, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="no whole .safetensors file"):
        keras_mra.MAE.from_preset(folder)


def test_a_header_that_declares_the_moon(folder):
    header = {
        "vit.embeddings.cls_token": {
            "dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12],
        }
    }  # fmt: skip
    text = json.dumps(header).encode()
    path = folder / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ValueError, match="no whole .safetensors file"):
        keras_mra.MAE.from_preset(folder)


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_pickle_that_runs_code_does_not(tmp_path, wrapped):
    victim = tmp_path / "victim"
    attack = Attack(str(victim))
    torch.save({"model": {}, "args": attack} if wrapped else attack, tmp_path / "a.pth")
    with pytest.raises(ValueError, match="more than tensors"):
        keras_mra.MAE.from_preset(tmp_path / "a.pth")
    assert not victim.exists()


def test_a_damaged_pth(tmp_path):
    state = hugging_face.published(hugging_face.make())
    torch.save(state, tmp_path / "a.pth")
    content = (tmp_path / "a.pth").read_bytes()
    for part in (content[: len(content) // 2], b"", b"no such thing"):
        (tmp_path / "a.pth").write_bytes(part)
        with pytest.raises(ValueError, match="no whole file of PyTorch|more than tens"):
            keras_mra.MAE.from_preset(tmp_path / "a.pth")


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
        with pytest.raises(ValueError, match="ViTMAE|known layout|masked autoencoder"):
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


@pytest.mark.parametrize(
    "overrides,message",
    [
        (dict(encoder_dim=32), "`encoder_dim` must be 16.*encoder_dim=32"),
        (dict(patch_size=8), r"`patch_size` must be \(4, 4\).*patch_size=8"),
        (dict(decoder_depth=2), "`decoder_depth` must be 1"),
        (dict(image_shape=(16, 16, 1)), "must have 3 channel"),
    ],
)
def test_arguments_that_no_weights_fit(folder, overrides, message):
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder, **overrides)
    untrained = {**overrides, "load_weights": False, "mean": None, "std": None}
    assert keras_mra.MAE.from_preset(folder, **untrained).encoder_depth == 2


def test_what_cannot_be_known_is_asked_for(tmp_path):
    torch.save(
        hugging_face.published(hugging_face.make(), decoder=False), tmp_path / "a.pth"
    )
    with pytest.raises(ValueError, match="`encoder_heads` must be given.*16 wide"):
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
        (dict(image_size=32), "16 patches of 4x4.*do not make up images of 32"),
        (dict(norm_pix_loss="false"), "norm_pix_loss=true or false.*'false'"),
        (dict(num_attention_heads=3), "divisible by `encoder_heads`.*encoder_heads=3"),
        (dict(layer_norm_eps=None), "`layer_norm_epsilon` must be a positive number"),
        (dict(hidden_act="relu"), "hidden_act='gelu'.*Received: 'relu'"),
        (dict(qkv_bias=False), "qkv_bias=True.*Received: False"),
        (dict(model_type="vit"), "config.json of a ViTMAE.*one of 'vit'"),
    ],
)
def test_a_configuration_that_lies(folder, change, message):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a":' * 10**5])
@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_documents_that_are_none(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(ValueError, match=f"{name}' (could not be|must hold a JSON)"):
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
            "0.0004 times as wide inside in the encoder and 2.5",
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
            r"two tensors for one: \['embeddings.cls_token'\]",
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
    edit(folder, change)
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder)


def test_a_wide_file_without_configuration_is_no_wide_model(tmp_path, monkeypatch):
    """Small tensors that claim a model of 1e12 weights."""
    monkeypatch.setattr(keras_mra.MAE, "__init__", None)
    state = hugging_face.published(hugging_face.make(), decoder=False)
    state["patch_embed.proj.weight"] = torch.zeros(10**6, 3, 4, 4, dtype=torch.half)
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(
        ValueError, match=r"cls_token has shape \(1, 1, 16\), not \(1, 1, 10000"
    ):
        keras_mra.MAE.from_preset(tmp_path / "a.pth", **HEADS)


@pytest.mark.parametrize(
    "tensor,message",
    [
        (torch.zeros(1).expand(10**6, 10**6, 1, 1), "declares 1,000,000,0.*at most"),
        (torch.zeros(1, 1, 16).to_sparse(), "tensors of floats.*sparse"),
        (torch.zeros(1, 1, 16, device="meta"), "tensors of floats.*on meta"),
        (torch.zeros(1, 1, 16, dtype=torch.int32), "tensors of floats.*int32"),
        (torch.zeros(1, 1, 16, dtype=torch.complex64), "tensors of floats.*complex"),
        (3, r"other values, \['cls_token'\]"),
    ],
)
def test_tensors_of_pytorch_that_are_no_arrays(tmp_path, tensor, message):
    state = hugging_face.published(hugging_face.make())
    torch.save({**state, "cls_token": tensor}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(tmp_path / "a.pth", **HEADS)


def test_files_of_pytorch_that_are_no_zip_of_today(tmp_path):
    path, victim = tmp_path / "a.pth", tmp_path / "victim"
    state = hugging_face.published(hugging_face.make())
    for content in (state, Attack(str(victim))):
        torch.save(content, path, _use_new_zipfile_serialization=False)
        with pytest.raises(ValueError, match="no whole file of PyTorch.*older.*saved"):
            keras_mra.MAE.from_preset(path, **HEADS)
    assert not victim.exists()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(10**6))
    with pytest.raises(ValueError, match="unpacks to 1,000,000 bytes from"):
        keras_mra.MAE.from_preset(path, **HEADS)


def test_damage_anywhere_in_a_pth(tmp_path):
    """Whatever the reader stumbles over, it is said that the file is damaged."""
    path, rng = tmp_path / "a.pth", np.random.default_rng(0)
    torch.save(hugging_face.published(hugging_face.make()), path)
    whole, refused = np.frombuffer(path.read_bytes(), "uint8"), 0
    for _ in range(30):
        damaged = whole.copy()
        damaged[rng.integers(0, 4000, 8)] = rng.integers(0, 256, 8)
        path.write_bytes(damaged.tobytes())
        try:
            keras_mra.MAE.from_preset(path, load_weights=False, **HEADS)
        except ValueError as error:
            assert "a.pth" in str(error)
            refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    "index,message",
    [
        ("{", "could not be read"),
        ("[]", "must be an index.*Received: list"),
        ('{"weight_map": {}}', "must be an index.*'weight_map' {}"),
        ('{"weight_map": {"a": "../a.safetensors"}}', "files beside it.*'../a.safet"),
        ('{"weight_map": {"a": 3}}', "names '3', which is missing"),
    ],
)
def test_a_bad_index_of_shards(folder, index, message):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index)
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder)


def test_the_same_tensor_in_two_shards(folder):
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    (folder / "b.safetensors").write_bytes((folder / "a.safetensors").read_bytes())
    index = {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="two tensors of a name"):
        keras_mra.MAE.from_preset(folder)


def test_a_folder_without_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="folder of 'vit_mae', must hold its weights"):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize("preset", ["facebook/vit-mae-base", "hf:/a/b", "none.pth"])
def test_what_is_no_preset_is_told_of_handles(preset):
    with pytest.raises(ValueError, match="handle 'hf://OWNER/NAME'.*" + preset):
        keras_mra.MAE.from_preset(preset)


def test_an_encoder_that_may_be_any_vit(tmp_path):
    """DINO's files have the names and shapes of MAE's encoder, and other positions."""
    state = hugging_face.published(hugging_face.make(), decoder=False)
    torch.save({k: v.bfloat16() for k, v in state.items()}, tmp_path / "mae.pth")
    assert keras_mra.MAE.from_preset(tmp_path / "mae.pth", encoder_heads=2)
    state["pos_embed"] = torch.randn(1, 17, 16)
    torch.save(state, tmp_path / "dino.pth")
    with pytest.raises(ValueError, match="without a decoder.*`positions='learned'`"):
        keras_mra.MAE.from_preset(tmp_path / "dino.pth", encoder_heads=2)
    mae = keras_mra.MAE.from_preset(
        tmp_path / "dino.pth", encoder_heads=2, positions="learned"
    )
    assert mae.positions == "learned"


@pytest.mark.parametrize(
    "overrides,message",
    [
        (dict(encoder_heads=4), "`encoder_heads` must be 2.*encoder_heads=4"),
        (dict(decoder_heads=4), "`decoder_heads` must be 3.*decoder_heads=4"),
        (dict(patch_size=(4, 4, 4)), "`patch_size` must be a positive integer or a"),
        (dict(image_shape=3), "`image_shape` must be.*image_shape=3"),
    ],
)
def test_arguments_that_are_no_arguments(folder, overrides, message):
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder, **overrides)


def test_learned_positions_are_not_thrown_away(folder):
    edit(folder, lambda t: t["vit.embeddings.position_embeddings"].fill(0.5))
    with pytest.raises(ValueError, match="`positions` must be 'learned'.*='sincos'"):
        keras_mra.MAE.from_preset(folder, positions="sincos")
