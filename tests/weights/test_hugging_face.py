"""MAEs from Hugging Face's files give the same outputs as Hugging Face's models."""

import json
import shutil

import numpy as np
import pytest
from helpers.models import compute
from helpers.models import random_visible
from helpers.models import same_weights

import keras_mra
from keras_mra.models.convert import named_weights
from keras_mra.vit import structure
from keras_mra.weights import read_checkpoint

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from helpers import hugging_face  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

CONFIGURATIONS = {
    "square": {},
    "one_channel_patch_8": dict(image_size=32, patch_size=8, channels=1),
    "four_channels_norm_pix": dict(channels=4, norm_pix_loss=True, mask_ratio=0.5),
    "patch_14": dict(image_size=56, patch_size=14, layer_norm_eps=1e-6),
    "patch_16": dict(image_size=48, patch_size=16, norm_pix_loss=True),
    "deep_decoder": dict(decoder_num_hidden_layers=3, num_hidden_layers=1),
    # 28 * (61 / 28) is 60.99999999999999
    "odd_hidden": dict(
        hidden_size=28,
        intermediate_size=61,
        decoder_hidden_size=28,
        decoder_intermediate_size=61,
        decoder_num_attention_heads=2,
    ),
}


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def saved(request, tmp_path_factory):
    """A model of Hugging Face's and the folder that holds it."""
    folder = tmp_path_factory.mktemp(request.param)
    model = hugging_face.make(**CONFIGURATIONS[request.param])
    model.save_pretrained(folder)
    return model, folder


def test_what_hugging_face_saves(saved):
    model, folder = saved
    mae = keras_mra.MAE.from_preset(folder, mean=None, std=None)
    config = model.config
    assert mae.value_range == (0, 255) and mae.positions == "sincos"
    assert mae.norm_pix_loss == config.norm_pix_loss
    assert mae.layer_norm_epsilon == config.layer_norm_eps
    assert mae.mask_ratio == config.mask_ratio
    pixels, noise = hugging_face.some_images(model)
    hugging_face.assert_same_outputs(mae, 255 * pixels, model, pixels, noise)


def test_published_names(saved, tmp_path):
    """Files on the hub are of earlier versions, with other names in the decoder."""
    model, folder = saved
    tensors = load_file(folder / "model.safetensors")
    old = {
        k.replace("decoder.decoder_encoder.layer.", "decoder.decoder_layers."): v
        for k, v in tensors.items()
    }
    assert any(k.startswith("decoder.decoder_layers.0.attention.") for k in old)
    assert "vit.encoder.layer.0.attention.attention.query.weight" in old
    shutil.copy(folder / "config.json", tmp_path)
    torch.save(
        {k: torch.tensor(v) for k, v in old.items()}, tmp_path / "pytorch_model.bin"
    )
    assert same_weights(
        keras_mra.MAE.from_preset(tmp_path), keras_mra.MAE.from_preset(folder)
    )


def test_an_encoder_alone(tmp_path):
    model = hugging_face.make(kind="ViTMAEModel")
    model.save_pretrained(tmp_path)
    mae = keras_mra.MAE.from_preset(tmp_path, mean=None, std=None)
    assert mae.decoder is None and mae.decoder_depth == 0
    pixels, noise = hugging_face.some_images(model)
    hugging_face.assert_same_outputs(mae, 255 * pixels, model, pixels, noise)
    images, visible = 255 * pixels, random_visible(np.random.default_rng(0), 3, 16, 4)
    for attempt in (
        lambda: mae.reconstruct(images, visible),
        lambda: mae(images),
        lambda: keras_mra.layers.MaskReconstruct(mae),
    ):
        with pytest.raises(ValueError, match="no decoder.*decoder_depth=2.*train"):
            attempt()
    mae.save_to_preset(tmp_path / "preset")
    again = keras_mra.MAE.from_preset(tmp_path / "preset")
    assert again.decoder is None and same_weights(again, mae)
    trainable = keras_mra.MAE.from_preset(
        tmp_path, decoder_depth=1, decoder_dim=8, decoder_heads=2
    )
    np.testing.assert_allclose(
        compute(trainable.encode, images),
        compute(keras_mra.MAE.from_preset(tmp_path).encode, images),
        rtol=1e-5,
    )
    trainable.compile("adam")
    trainable.fit(images, verbose=0)


def test_normalisation_comes_from_the_preprocessor(tmp_path):
    model = hugging_face.make()
    model.save_pretrained(tmp_path)
    assert keras_mra.MAE.from_preset(tmp_path).mean == (0.485, 0.456, 0.406)
    statistics = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7]}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(statistics))
    mae = keras_mra.MAE.from_preset(tmp_path)
    assert mae.mean == (0.1, 0.2, 0.3) and mae.std == (0.5, 0.6, 0.7)
    pixels, noise = hugging_face.some_images(model)
    normalised = (pixels - [0.1, 0.2, 0.3]) / [0.5, 0.6, 0.7]
    hugging_face.assert_same_outputs(
        mae, 255 * pixels, model, normalised.astype("float32"), noise
    )
    # Another range, if the caller gives one.
    mae = keras_mra.MAE.from_preset(tmp_path, value_range=(-1, 1))
    images = 2 * pixels - 1
    hugging_face.assert_same_outputs(
        mae, images, model, normalised.astype("float32"), noise
    )


def test_an_unusable_mask_ratio_becomes_the_default(tmp_path):
    hugging_face.make(mask_ratio=0.0).save_pretrained(tmp_path)
    assert keras_mra.MAE.from_preset(tmp_path).mask_ratio == 0.75


def test_other_image_sizes(saved, tmp_path):
    """Fixed positions are computed anew, as Hugging Face would for that size."""
    model, folder = saved
    side = 2 * model.config.image_size
    shape = (side, side, model.config.num_channels)
    mae = keras_mra.MAE.from_preset(folder, image_shape=shape, mean=None, std=None)
    larger = hugging_face.make(
        **{
            **CONFIGURATIONS["square"],
            **model.config.to_diff_dict(),
            "image_size": side,
        }
    )
    state = model.state_dict()
    state = {k: v for k, v in state.items() if "pos" not in k}
    larger.load_state_dict(state, strict=False)
    pixels, noise = hugging_face.some_images(larger)
    hugging_face.assert_same_outputs(mae, 255 * pixels, larger, pixels, noise)


def test_learned_positions(tmp_path):
    model = hugging_face.make()
    with torch.no_grad():
        model.vit.embeddings.position_embeddings.normal_()
        model.decoder.decoder_pos_embed.normal_()
    model.save_pretrained(tmp_path / "theirs")
    mae = keras_mra.MAE.from_preset(tmp_path / "theirs", mean=None, std=None)
    assert mae.positions == "learned"
    pixels, noise = hugging_face.some_images(model)
    hugging_face.assert_same_outputs(mae, 255 * pixels, model, pixels, noise)
    mae.save_to_preset(tmp_path / "ours")
    assert same_weights(keras_mra.MAE.from_preset(tmp_path / "ours"), mae)
    # Another size: the positions are interpolated, as Hugging Face does it.
    mae = keras_mra.MAE.from_preset(
        tmp_path / "theirs", image_shape=(24, 24, 3), mean=None, std=None
    )
    pixels = np.random.default_rng(1).uniform(size=(2, 24, 24, 3)).astype("float32")
    in_order = torch.arange(36.0)[None].repeat(2, 1)
    model.vit.embeddings.config.mask_ratio = 0.0
    with torch.no_grad():
        expected = model.vit(
            torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()),
            noise=in_order,
            interpolate_pos_encoding=True,
        ).last_hidden_state
    np.testing.assert_allclose(
        compute(mae.encode, 255 * pixels), expected.numpy(), **hugging_face.TOLERANCE
    )


def test_shards(saved, tmp_path):
    model, folder = saved
    model.save_pretrained(tmp_path, max_shard_size="10KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    found = keras_mra.MAE.from_preset(tmp_path)
    assert same_weights(found, keras_mra.MAE.from_preset(folder))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_precisions(tmp_path, dtype):
    model = hugging_face.make().to(getattr(torch, dtype))
    model.save_pretrained(tmp_path)
    mae = keras_mra.MAE.from_preset(tmp_path, mean=None, std=None)
    assert mae.positions == "sincos"
    model, exact = model.float(), hugging_face.make()
    with torch.no_grad():  # The file has rounded positions.
        for name, values in exact.named_parameters():
            if not values.requires_grad:
                model.get_parameter(name).copy_(values)
    pixels, noise = hugging_face.some_images(model)
    hugging_face.assert_same_outputs(mae, 255 * pixels, model, pixels, noise)


def test_a_file_finds_the_configuration_beside_it(folder):
    mae = keras_mra.MAE.from_preset(folder / "model.safetensors")
    assert same_weights(mae, keras_mra.MAE.from_preset(folder))


@pytest.mark.parametrize(
    "document,mean,std",
    [
        ({"rescale_factor": 1 / 127.5, "image_mean": [1] * 3, "image_std": [1] * 3},
         (0.5,) * 3, (0.5,) * 3),
        ({"do_rescale": False, "image_mean": [51] * 3, "image_std": [102] * 3},
         (0.2,) * 3, (0.4,) * 3),
        ({"do_normalize": False}, None, None),
        # The other values are then transformers' own defaults.
        ({"do_rescale": True}, (0.5,) * 3, (0.5,) * 3),
        ({"image_mean": [0.1, 0.2, 0.3]}, (0.1, 0.2, 0.3), (0.5,) * 3),
        ({"image_mean": None, "image_std": [0.2] * 3}, (0.5,) * 3, (0.2,) * 3),
    ],
)  # fmt: skip
def test_what_the_preprocessor_does_to_images_of_0_to_255(folder, document, mean, std):
    (folder / "preprocessor_config.json").write_text(json.dumps(document))
    mae = keras_mra.MAE.from_preset(folder)
    for found, expected in ((mae.mean, mean), (mae.std, std)):
        assert found == (expected if expected is None else pytest.approx(expected))


def test_shapes_are_known_without_a_model(saved):
    _, folder = saved
    found = structure.mae_weight_shapes(read_checkpoint(folder, {}).arguments)
    expected = named_weights(keras_mra.MAE.from_preset(folder))
    positions = {"encoder/positions", "decoder/positions"}
    assert {k: v for k, v in found.items() if k not in positions} == {
        name: tuple(variable.shape) for name, variable in expected.items()
    }
