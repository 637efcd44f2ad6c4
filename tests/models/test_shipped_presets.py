"""Named architectures, and the presets that are shipped with weights."""

from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import same_weights
from PIL import Image

import keras_mra
from keras_mra import datasets
from keras_mra import evaluation
from keras_mra import masking
from keras_mra.models import presets

ARCHITECTURES = ["mae_nano", "mae_mini", "mae_small", "mae_base", "mae_large"]
SMALL_PHOTOS = "mae_nano_photos_32"
CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"


# --- architectures -------------------------------------------------------------------


def parameters(
    image_shape, patch_size, encoder_dim, encoder_depth, decoder_dim, decoder_depth, **_
):
    """Number of trainable parameters, written out; MLPs are four times as wide."""

    def block(dim):
        attention = 4 * (dim * dim + dim)
        mlp = dim * 4 * dim + 4 * dim + 4 * dim * dim + dim
        return attention + mlp + 2 * 2 * dim

    values = patch_size * patch_size * image_shape[2]
    encoder = values * encoder_dim + encoder_dim  # embedding
    encoder += encoder_dim + encoder_depth * block(encoder_dim) + 2 * encoder_dim
    decoder = encoder_dim * decoder_dim + decoder_dim  # embedding
    decoder += decoder_dim + decoder_depth * block(decoder_dim) + 2 * decoder_dim
    decoder += decoder_dim * values + values  # pixels
    return encoder + decoder


@pytest.mark.parametrize("name", ["mae_nano", "mae_mini"])
def test_number_of_parameters(name):
    mae = keras_mra.MAE.from_preset(name)
    arguments = presets.architecture(name)
    assert mae.count_params() == parameters(**arguments)
    for argument, value in arguments.items():
        if argument != "patch_size":
            assert getattr(mae, argument) == value


@pytest.mark.parametrize(
    "name, hidden, layers, heads, millions",
    [("mae_base", 768, 12, 12, 111.7), ("mae_large", 1024, 24, 16, 329.2)],
)
def test_base_and_large_are_the_published_ones(name, hidden, layers, heads, millions):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    arguments = presets.architecture(name)
    config = transformers.ViTMAEConfig(
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
    )  # the decoder, the image and the patch are the defaults
    with torch.device("meta"):
        published = transformers.ViTMAEForPreTraining(config)
    expected = sum(p.numel() for p in published.parameters() if p.requires_grad)
    assert parameters(**arguments) == expected
    assert expected == pytest.approx(millions * 1e6, rel=2e-3)
    assert arguments == dict(
        image_shape=(config.image_size, config.image_size, config.num_channels),
        patch_size=config.patch_size,
        encoder_dim=hidden,
        encoder_depth=layers,
        encoder_heads=heads,
        decoder_dim=config.decoder_hidden_size,
        decoder_depth=config.decoder_num_hidden_layers,
        decoder_heads=config.decoder_num_attention_heads,
    )
    defaults = keras_mra.MAE((8, 8, 1), 4, **TINY | {"mlp_ratio": 4.0}).get_config()
    assert defaults["mlp_ratio"] == config.intermediate_size / hidden
    assert defaults["mask_ratio"] == config.mask_ratio
    assert defaults["norm_pix_loss"] == config.norm_pix_loss


def test_light_architectures():
    nano, mini, small = (presets.architecture(name) for name in ARCHITECTURES[:3])
    assert (nano["encoder_dim"], nano["encoder_depth"]) == (96, 4)
    widths = ("encoder_dim", "encoder_depth", "encoder_heads")
    assert [mini[k] for k in widths] == [192, 12, 3]
    assert [small[k] for k in widths] == [384, 12, 6]


def test_an_architecture_can_be_changed_and_stays_as_it_was():
    mae = keras_mra.MAE.from_preset(
        "mae_nano", image_shape=(8, 24, 4), patch_size=(4, 8), encoder_depth=1
    )
    assert (mae.image_shape, mae.patch_size, mae.grid) == ((8, 24, 4), (4, 8), (2, 3))
    assert (mae.encoder_dim, mae.encoder_depth) == (96, 1)
    assert presets.architecture("mae_nano")["encoder_depth"] == 4


def test_all_presets_are_described():
    described = keras_mra.MAE.presets()
    assert set(ARCHITECTURES) <= set(described)
    assert all(isinstance(text, str) and text for text in described.values())


@pytest.mark.parametrize("load_weights", [None, False])
def test_architectures_have_random_weights(load_weights):
    tiny = dict(TINY, image_shape=(8, 8, 1), patch_size=4)
    one, other = (
        keras_mra.MAE.from_preset("mae_nano", load_weights, seed=seed, **tiny)
        for seed in (0, 1)
    )
    assert not same_weights(one, other)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures_have_no_weights_to_load(name):
    with pytest.raises(ValueError, match=f"must have weights.*{name}.*architecture"):
        keras_mra.MAE.from_preset(name, load_weights=True)


# --- shipped presets -----------------------------------------------------------------

SHIPPED = sorted(set(presets.describe_presets()) - set(ARCHITECTURES))


@pytest.mark.parametrize("name", ["mae_nano_photos", SMALL_PHOTOS])
def test_bfloat16_agrees_with_float32(name):
    """The bounds that the documentation states. By chance, 60 % of a mask agree."""
    full = keras_mra.MAE.from_preset(name)
    half = keras_mra.MAE.from_preset(name, dtype="mixed_bfloat16")
    images = datasets.sample_photographs(full.image_shape[0])
    kept = [
        convert(masking.visible_patches(mae.attention(images), 0.4))
        for mae in (full, half)
    ]
    shared = [len(set(a) & set(b)) / len(a) for a, b in zip(*kept)]
    assert np.mean(shared) > 0.95
    full_loss, half_loss = (
        loss_of(mae({"images": images, "visible": kept[0]})) for mae in (full, half)
    )
    assert half_loss == pytest.approx(full_loss, rel=0.01)
    assert half_loss != full_loss


def loss_of(outputs):
    """Mean squared error on dropped patches, in float64."""
    names = ("predictions", "targets", "dropped")
    predictions, targets, dropped = (
        convert(outputs[name]).astype("float64") for name in names
    )
    return np.average(np.mean((predictions - targets) ** 2, axis=-1), weights=dropped)


def convert(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_presets_load_and_are_documented(name):
    mae = keras_mra.MAE.from_preset(name)
    random = keras_mra.MAE.from_preset(name, load_weights=False)
    assert mae.get_config() == {**random.get_config(), "name": mae.name}
    assert not same_weights(mae, random)
    card = (presets.shipped_folder() / name / "README.md").read_text(encoding="utf-8")
    assert "python tools/presets/" in card or "python examples/papers/" in card
    assert "minutes on" in card and "loss" in card


@pytest.mark.parametrize("name", ["mae_nano_fashion_mnist", "msa_nano_fashion_mnist"])
def test_attention_finds_garments(name):
    files = sorted((Path(keras_mra.__file__).parent / "app" / "garments").glob("*.png"))
    images = np.stack([np.asarray(Image.open(file)) for file in files])[..., None]
    mae = keras_mra.MAE.from_preset(name)
    result = evaluation.foreground(mae, images, images[..., 0] > 0)
    assert result.images == len(files) and result.auroc > 0.85


@pytest.mark.parametrize(
    "name, scale, least",
    [
        ("mae_nano_photos", 1, 0.7),
        (SMALL_PHOTOS, 2, 0.7),
        # Nothing taught its attention but the contrast.
        ("msa_nano_cifar10", 2, 0.65),
    ],
)
def test_attention_finds_what_is_pasted_on_photographs(name, scale, least):
    mae = keras_mra.MAE.from_preset(name)
    photographs = keras_mra.datasets.sample_photographs(64)
    backgrounds, texture = photographs[2:], photographs[1]  # coffee, rocket; a cat
    images, masks = [], []
    rows, columns = np.mgrid[:64, :64]
    for background in backgrounds:
        for row, column in ((14, 14), (14, 50), (50, 14), (50, 50)):
            disc = (rows - row) ** 2 + (columns - column) ** 2 < 12**2
            images.append(np.where(disc[..., None], texture, background))
            masks.append(disc)
    images = np.stack(images)[:, ::scale, ::scale]
    result = evaluation.foreground(mae, images, np.stack(masks)[:, ::scale, ::scale])
    assert result.auroc > max(least, result.references["center"]["auroc"])


@pytest.mark.parametrize("ratio", [0.4, 0.75])
@pytest.mark.parametrize(
    "name, side",
    [("mae_nano_photos", 64), (SMALL_PHOTOS, 32), ("msa_nano_cifar10", 32)],
)
def test_paint_beats_inpainting(name, side, ratio):
    mae = keras_mra.MAE.from_preset(name)
    photographs = keras_mra.datasets.sample_photographs(side)
    result = evaluation.paint(mae, photographs, mask_ratio=ratio, strategy="random")
    assert result.mse_to_telea < 0.95


def test_package_data_is_small():
    files = presets.shipped_folder().rglob("*")
    assert sum(f.stat().st_size for f in files if f.is_file()) < 12e6
