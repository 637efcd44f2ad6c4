"""Folders that Hugging Face's library loads."""

import json
import sys

import numpy as np
import pytest
from helpers.models import compute
from helpers.models import randomize
from helpers.models import same_weights

import keras_mra
from keras_mra import pixels as pixel_ops

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
import safetensors  # noqa: E402
from helpers import hugging_face  # noqa: E402


def test_hugging_face_loads_what_is_exported(tmp_path):
    import transformers

    mae = randomize(
        keras_mra.MAE(
            (16, 16, 1), 4, encoder_dim=16, encoder_depth=2, encoder_heads=2,
            decoder_dim=8, decoder_depth=1, decoder_heads=2, mlp_ratio=2.5,
            norm_pix_loss=True, mean=0.3, std=0.2, layer_norm_epsilon=1e-5,
            mask_ratio=0.5,
        )
    )  # fmt: skip
    mae.export_transformers(tmp_path)
    model, report = transformers.ViTMAEForPreTraining.from_pretrained(
        tmp_path, output_loading_info=True, attn_implementation="eager"
    )
    assert not any(report.values()), report
    images, noise = hugging_face.some_images(model)
    normalised = ((images - 0.3) / 0.2).astype("float32")
    hugging_face.assert_same_outputs(mae, 255 * images, model.eval(), normalised, noise)
    encoder = transformers.ViTMAEModel.from_pretrained(
        tmp_path, attn_implementation="eager"
    )
    expected = hugging_face.outputs(model, normalised, noise)["tokens"]
    found = hugging_face.outputs(encoder.eval(), normalised, noise)["tokens"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    again = keras_mra.MAE.from_preset(tmp_path)
    assert {**again.get_config(), "name": 0} == {**mae.get_config(), "name": 0}
    assert same_weights(again, mae)
    processor = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert processor["rescale_factor"] == pytest.approx(1 / 255)
    assert processor["image_mean"] == [0.3] and processor["image_std"] == [0.2]
    assert {p.name for p in tmp_path.iterdir()} == {
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
    }


def test_an_encoder_alone_is_exported_as_one(tmp_path):
    import transformers

    model = hugging_face.make(kind="ViTMAEModel")
    model.save_pretrained(tmp_path / "in")
    mae = keras_mra.MAE.from_preset(tmp_path / "in")
    mae.export_transformers(tmp_path / "out")
    again, report = transformers.ViTMAEModel.from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not any(report.values()), report
    for name, tensor in model.state_dict().items():
        np.testing.assert_allclose(again.state_dict()[name], tensor, atol=1e-6)


def test_the_highest_mask_ratio_is_exported(tmp_path):
    tiny = dict(encoder_dim=8, encoder_depth=1, encoder_heads=2, decoder_depth=0)
    mae = keras_mra.MAE((16, 16, 1), 4, mask_ratio=(0.4, 0.75), **tiny)
    mae.export_transformers(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["mask_ratio"] == 0.75


@pytest.mark.parametrize("value_range", [(0, 1), (-1, 1)])
def test_the_preprocessor_is_for_images_of_0_to_255(tmp_path, value_range):
    import transformers

    mae = keras_mra.MAE(
        (8, 8, 3), 4, encoder_dim=8, encoder_depth=1, encoder_heads=2,
        mean=(0.3, 0.4, 0.5), std=0.2, value_range=value_range,
    )  # fmt: skip
    mae.export_transformers(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype="uint8")
    processor = transformers.ViTImageProcessor.from_pretrained(tmp_path)
    theirs = processor(list(images), return_tensors="np")["pixel_values"]
    low, high = value_range
    ours = pixel_ops.normalize(
        (images / 255 * (high - low) + low).astype("float32"),
        mae.value_range, mae.mean, mae.std,
    )  # fmt: skip
    np.testing.assert_allclose(
        theirs.transpose(0, 2, 3, 1), compute(lambda: ours), atol=1e-5
    )
    again = keras_mra.MAE.from_preset(tmp_path, value_range=value_range)
    assert again.mean == mae.mean and again.std == mae.std


def test_neither_form_overwrites_the_other(tmp_path):
    mae = keras_mra.MAE((8, 8, 1), 4, encoder_dim=8, encoder_depth=1, encoder_heads=2)
    mae.save_to_preset(tmp_path / "ours")
    mae.export_transformers(tmp_path / "theirs")
    before = {p: p.read_bytes() for p in tmp_path.glob("*/*")}
    with pytest.raises(ValueError, match="another folder.*holds a preset of Keras"):
        mae.export_transformers(tmp_path / "ours")
    with pytest.raises(ValueError, match="another folder.*holds a model of another"):
        mae.save_to_preset(tmp_path / "theirs")
    mae.export_transformers(tmp_path / "theirs")  # its own folder is replaced
    assert before.keys() == set(tmp_path.glob("*/*"))
    assert all(p.read_bytes() == v for p, v in before.items() if "ours" in p.parts)


@pytest.mark.parametrize("error", [safetensors.SafetensorError, OSError])
def test_no_space_leaves_nothing_behind(tmp_path, monkeypatch, error):
    def save_file(tensors, path, metadata):
        path.write_bytes(b"half")
        raise error("No space left on device")

    mae = keras_mra.MAE((8, 8, 1), 4, encoder_dim=8, encoder_depth=1, encoder_heads=2)
    monkeypatch.setattr("safetensors.numpy.save_file", save_file)
    with pytest.raises(OSError, match="could not be written: No space left"):
        mae.export_transformers(tmp_path)
    assert not list(tmp_path.iterdir())


def test_export_without_safetensors(tmp_path, monkeypatch):
    mae = keras_mra.MAE((8, 8, 1), 4, encoder_dim=8, encoder_depth=1, encoder_heads=2)
    for name in ("safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'keras-mra\[hub\]'"):
        mae.export_transformers(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_only_squares_are_exported(tmp_path):
    mae = keras_mra.MAE((8, 12, 1), 4, encoder_dim=8, encoder_depth=1, encoder_heads=2)
    with pytest.raises(ValueError, match=r"square.*image_shape=\(8, 12, 1\)"):
        mae.export_transformers(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_hidden_widths_that_are_rounded_down(tmp_path):
    mae = randomize(
        keras_mra.MAE(
            (16, 16, 1), 4, encoder_dim=48, encoder_depth=1, encoder_heads=2,
            decoder_dim=32, decoder_depth=1, decoder_heads=2, mlp_ratio=8 / 3,
        )
    )  # fmt: skip
    mae.export_transformers(tmp_path)
    assert same_weights(keras_mra.MAE.from_preset(tmp_path), mae)
