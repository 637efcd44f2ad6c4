"""Files that are damaged or hostile, and files that are not tensors."""

import json
import struct
import traceback
import zipfile

import numpy as np
import pytest

import keras_mra

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from helpers import hugging_face  # noqa: E402

pytestmark = pytest.mark.once

HEADS = dict(encoder_heads=2, decoder_heads=3, norm_pix_loss=False)


@pytest.mark.parametrize("keep", [0, 4, 100, -100])
def test_truncated_files(folder, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="not a whole .safetensors file"):
        keras_mra.MAE.from_preset(folder)


def test_a_header_that_declares_more_than_the_file_holds(folder):
    header = {
        "vit.embeddings.cls_token": {
            "dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12],
        }
    }  # fmt: skip
    text = json.dumps(header).encode()
    path = folder / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ValueError, match="not a whole .safetensors file"):
        keras_mra.MAE.from_preset(folder)


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_pickle_with_code_is_not_run(tmp_path, wrapped):
    victim = tmp_path / "victim"
    attack = Attack(str(victim))
    torch.save({"model": {}, "args": attack} if wrapped else attack, tmp_path / "a.pth")
    with pytest.raises(ValueError, match="more than tensors.*open'") as caught:
        keras_mra.MAE.from_preset(tmp_path / "a.pth")
    assert not victim.exists()
    # PyTorch's own message tells how to run the code.
    shown = "".join(traceback.format_exception(caught.value))
    assert "weights_only=False" not in shown and "can result in" not in shown


def test_a_damaged_pth(tmp_path):
    state = hugging_face.published(hugging_face.make())
    torch.save(state, tmp_path / "a.pth")
    content = (tmp_path / "a.pth").read_bytes()
    for part in (content[: len(content) // 2], b"", b"no such thing"):
        (tmp_path / "a.pth").write_bytes(part)
        with pytest.raises(ValueError, match="not a whole file|damaged tensors"):
            keras_mra.MAE.from_preset(tmp_path / "a.pth")


def test_damage_anywhere_in_a_pth(tmp_path):
    """Every error of the reader becomes a `ValueError` that names the file."""
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


def test_files_of_pytorch_in_an_old_or_compressed_form(tmp_path):
    path, victim = tmp_path / "a.pth", tmp_path / "victim"
    state = hugging_face.published(hugging_face.make())
    for content in (state, Attack(str(victim))):
        torch.save(content, path, _use_new_zipfile_serialization=False)
        with pytest.raises(ValueError, match="not a whole file.*older.*saved again"):
            keras_mra.MAE.from_preset(path, **HEADS)
    assert not victim.exists()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(10**6))
    with pytest.raises(ValueError, match="unpacks to 1,000,000 bytes from"):
        keras_mra.MAE.from_preset(path, **HEADS)


@pytest.mark.parametrize(
    "tensor,message",
    [
        (
            torch.zeros(1).expand(10**6, 10**6, 1, 1),
            "at most.*Received: 1,000,000,0",
        ),
        (torch.zeros(1, 1, 16).to_sparse(), "more than tensors.*_sparse_tensor'"),
        (torch.zeros(1, 1, 16, device="meta"), "more than tensors.*_meta_tensor"),
        (torch.zeros(1, 1, 16, dtype=torch.int32), "tensors of floats.*int32"),
        (torch.zeros(1, 1, 16, dtype=torch.complex64), "tensors of floats.*complex"),
        (3, r"other values under \['cls_token'\]"),
    ],
)
def test_tensors_of_pytorch_that_are_not_dense_floats(tmp_path, tensor, message):
    state = hugging_face.published(hugging_face.make())
    torch.save({**state, "cls_token": tensor}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(tmp_path / "a.pth", **HEADS)


@pytest.mark.parametrize(
    "index,message",
    [
        ("{", "could not be read"),
        ("[]", "must hold a JSON object. Received: list"),
        ('{"weight_map": {}}', "must have a 'weight_map'.*'weight_map' {}"),
        ('{"weight_map": {"a": "../a.safetensors"}}', "files beside it.*'../a.safet"),
        ('{"weight_map": {"a": 3}}', "lists '3', which is missing"),
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
    with pytest.raises(ValueError, match="two of the same name"):
        keras_mra.MAE.from_preset(folder)


def test_a_folder_without_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="folder of 'vit_mae', must hold its weights"):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a":' * 10**5])
@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_documents_that_are_not_json_objects(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(ValueError, match=f"{name}' (could not be|must hold a JSON)"):
        keras_mra.MAE.from_preset(folder)
