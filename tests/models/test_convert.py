"""An `MAE` made from other libraries' weights: overrides, positions, names."""

import numpy as np
import pytest

import keras_mra
from keras_mra.positions import resize_positions

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from helpers import hugging_face  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    hugging_face.make().save_pretrained(tmp_path)
    return tmp_path


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


@pytest.mark.parametrize(
    "overrides,message",
    [
        (dict(encoder_heads=4), "`encoder_heads` must be 2.*encoder_heads=4"),
        (dict(decoder_heads=4), "`decoder_heads` must be 3.*decoder_heads=4"),
        (dict(patch_size=(4, 4, 4)), "`patch_size` must be a positive integer or a"),
        (dict(image_shape=3), "`image_shape` must be.*image_shape=3"),
    ],
)
def test_arguments_out_of_their_range(folder, overrides, message):
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder, **overrides)


def test_an_encoder_that_may_be_any_vit(tmp_path):
    """DINO's files differ from an MAE's encoder only in the positions."""
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


def test_learned_positions_are_not_dropped(folder):
    hugging_face.edit(
        folder, lambda t: t["vit.embeddings.position_embeddings"].fill(0.5)
    )
    with pytest.raises(ValueError, match="`positions` must be 'learned'.*='sincos'"):
        keras_mra.MAE.from_preset(folder, positions="sincos")


@pytest.mark.parametrize("new_grid", [(6, 6), (2, 5), (4, 3)])
def test_resized_positions_are_pytorchs(new_grid):
    positions = np.random.default_rng(0).normal(size=(4, 3, 5)).astype("float32")
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(positions.transpose(2, 0, 1).copy())[None],
        size=new_grid,
        mode="bicubic",
        align_corners=False,
    )[0]
    found = resize_positions((4, 3), new_grid) @ positions.reshape(12, 5)
    np.testing.assert_allclose(
        found.reshape(*new_grid, 5), expected.numpy().transpose(1, 2, 0), atol=1e-5
    )


def test_pretraining_goes_on_from_a_checkpoint(folder):
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype="uint8")
    start = keras_mra.MAE.from_preset(folder)
    mae = keras_mra.pretrain_mae(
        images, preset=folder, epochs=1, learning_rate=1e-9, view=None, verbose=0
    )
    for a, b in zip(mae.encoder.get_weights(), start.encoder.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-5)
