"""MAEs from files of the original release and of timm."""

import numpy as np
import pytest
from helpers.models import compute
from helpers.models import same_weights

import keras_mra

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from helpers import hugging_face  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

HEADS = dict(encoder_heads=2, decoder_heads=3, mean=None, std=None)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_the_published_release(tmp_path, suffix, wrapped):
    model = hugging_face.make(layer_norm_eps=1e-6)
    state = hugging_face.published(model)
    path = tmp_path / f"mae_visualize{suffix}"
    if suffix == ".pth":
        torch.save({"model": state, "epoch": 3} if wrapped else state, path)
    else:
        save_file({k: v.numpy() for k, v in state.items()}, path)
    with pytest.warns(UserWarning, match="does not say.*`norm_pix_loss=True`"):
        mae = keras_mra.MAE.from_preset(path, **HEADS)
    pixels, noise = hugging_face.some_images(model)
    hugging_face.assert_same_outputs(mae, 255 * pixels, model, pixels, noise)
    told = keras_mra.MAE.from_preset(path, norm_pix_loss=True, **HEADS)
    assert told.norm_pix_loss and same_weights(told, mae)


def test_the_published_release_without_decoder_and_timm(tmp_path):
    model = hugging_face.make(layer_norm_eps=1e-6)
    path = tmp_path / "model.safetensors"
    state = hugging_face.published(model, decoder=False)
    save_file({k: v.numpy() for k, v in state.items()}, path)
    # The heads of the absent decoder need not be given.
    mae = keras_mra.MAE.from_preset(path, encoder_heads=2, mean=None, std=None)
    assert mae.decoder is None
    pixels, noise = hugging_face.some_images(model)
    expected = hugging_face.outputs(model, pixels, noise)["attention"]
    found = compute(mae.attention, 255 * pixels)
    np.testing.assert_allclose(found, expected, **hugging_face.TOLERANCE)


LEARNED = dict(positions="learned", encoder_heads=2, mean=None, std=None)


@pytest.fixture
def learned():
    """A square encoder with learned positions of 4x4 patches."""
    model = hugging_face.make(layer_norm_eps=1e-6)
    with torch.no_grad():
        model.vit.embeddings.position_embeddings.normal_()
    return model


def test_an_encoder_of_images_that_are_not_square(tmp_path, learned):
    """The caller says so, although the number of patches is a square."""
    path = tmp_path / "model.safetensors"
    state = hugging_face.published(learned, decoder=False)
    save_file({k: v.numpy() for k, v in state.items()}, path)
    mae = keras_mra.MAE.from_preset(path, image_shape=(8, 32, 3), **LEARNED)
    assert mae.positions == "learned" and mae.grid == (2, 8)
    # An encoder does not know how its patches lie: the same ones, in a square image.
    pixels, noise = hugging_face.some_images(learned)
    rows = pixels.reshape(-1, 4, 4, 4, 4, 3).transpose(0, 1, 3, 2, 4, 5)
    rows = rows.reshape(-1, 2, 8, 4, 4, 3).transpose(0, 1, 3, 2, 4, 5)
    expected = hugging_face.outputs(learned, pixels, noise)["attention"]
    found = compute(mae.attention, 255 * rows.reshape(-1, 8, 32, 3))
    np.testing.assert_allclose(found, expected, **hugging_face.TOLERANCE)


def test_an_encoder_whose_patches_cannot_form_a_square(tmp_path, learned):
    path = tmp_path / "model.safetensors"
    state = hugging_face.published(learned, decoder=False)
    state = {name: value.numpy() for name, value in state.items()}
    save_file({**state, "pos_embed": state["pos_embed"][:, :13].copy()}, path)
    mae = keras_mra.MAE.from_preset(path, image_shape=(8, 24, 3), **LEARNED)
    found = mae.encoder.get_layer("patch_embedding").table()
    np.testing.assert_array_equal(compute(lambda: +found), state["pos_embed"][0, 1:13])
    with pytest.raises(ValueError, match="must be given the `image_shape`"):
        keras_mra.MAE.from_preset(path, **LEARNED)


def test_parameters_in_place_of_tensors(tmp_path):
    state = hugging_face.published(hugging_face.make())
    state = {name: torch.nn.Parameter(value) for name, value in state.items()}
    torch.save(state, tmp_path / "a.pth")
    mae = keras_mra.MAE.from_preset(tmp_path / "a.pth", norm_pix_loss=False, **HEADS)
    found = mae.encoder.get_layer("norm").gamma
    np.testing.assert_array_equal(compute(lambda: +found), state["norm.weight"].data)


def test_a_dropped_decoder_needs_no_heads(tmp_path):
    torch.save(hugging_face.published(hugging_face.make()), tmp_path / "a.pth")
    mae = keras_mra.MAE.from_preset(
        tmp_path / "a.pth", encoder_heads=2, decoder_depth=0
    )
    assert mae.decoder is None


def test_heads_of_published_widths_are_known(tmp_path):
    state = hugging_face.published(
        hugging_face.make(hidden_size=192, num_attention_heads=3, num_hidden_layers=1),
        decoder=False,
    )
    torch.save(state, tmp_path / "tiny.pth")
    assert keras_mra.MAE.from_preset(tmp_path / "tiny.pth").encoder_heads == 3
