"""The paint of an autoencoder beside that of reference painters."""

import types

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize

import keras_mra
from keras_mra import evaluation
from keras_mra.evaluation import reference_painters
from keras_mra.evaluation.paint_errors import PaintErrors

pytestmark = pytest.mark.usefixtures("quick_compilation")

SHAPE = (8, 12, 3)  # a grid of 4 x 4 patches, each of 2 x 3 pixels


@pytest.fixture(scope="module")
def mae():
    return randomize(
        keras_mra.MAE(SHAPE, (2, 3), mask_ratio=0.4, value_range=(-1, 1), **TINY)
    )


@pytest.fixture
def images(rng):
    return rng.uniform(-1, 1, (5, *SHAPE)).astype("float32")


def by_hand(mae, images, hidden, restore=False):
    """The errors of all painters, from public functions."""
    found = {"mae": PaintErrors(), "telea": PaintErrors()}
    for image, patches in zip(images, hidden):
        visible = np.flatnonzero(~patches)[None].astype("int32")
        repainted = mae.reconstruct(image[None], visible, restore)
        repainted = keras.ops.convert_to_numpy(repainted)[0]
        original = (image.astype("float64") + 1) / 2
        patches = patches.reshape(4, 4)
        mask = reference_painters.pixel_mask(patches, (2, 3))
        found["mae"].add(original, (repainted + 1) / 2, mask)
        painted = reference_painters.telea(original, patches, (2, 3))
        found["telea"].add(original, painted, mask)
    return {name: errors.to_dict() for name, errors in found.items()}


def random_hidden(seed, count, kept):
    draws = np.random.default_rng(seed).random((count, 16))
    ranks = draws.argsort(axis=1).argsort(axis=1)
    return ranks >= kept


@pytest.mark.parametrize("holder", ["mae", "msa"])
def test_errors_under_random_masks(mae, images, holder):
    source = mae if holder == "mae" else types.SimpleNamespace(mae=mae)
    result = evaluation.paint(source, images, 0.75, seed=3, batch_size=2)
    expected = by_hand(mae, images, random_hidden(3, 5, 4))
    for name in ("mse", "psnr", "ssim", "seams"):
        assert getattr(result, name) == pytest.approx(expected["mae"][name], rel=1e-3)
        found = result.references["telea"][name]
        assert found == pytest.approx(expected["telea"][name])
    telea = result.references["telea"]
    assert result.mse_to_telea == pytest.approx(result.mse / telea["mse"])
    assert telea["mse_to_telea"] == 1
    assert set(result.references) == {"telea", "mean_color", "nearest_patch"}
    assert (result.mask_ratio, result.seed, result.images) == (0.75, 3, 5)
    # Uniform noise over [0, 1], and a copy of independent noise.
    noise = {name: value["mse"] for name, value in result.references.items()}
    assert noise["mean_color"] == pytest.approx(1 / 12, rel=0.15)
    assert noise["nearest_patch"] == pytest.approx(1 / 6, rel=0.15)


@pytest.mark.parametrize(
    "strategy, block", [("attention", -1), ("low_attention", -1), ("attention", 0)]
)
def test_errors_under_masks_of_attention(mae, images, strategy, block):
    source = mae
    if block == 0:
        source = keras_mra.layers.MaskReconstruct(mae, attention_block=0)
    result = evaluation.paint(source, images, strategy=strategy, batch_size=2)
    attention = keras.ops.convert_to_numpy(mae.attention(images, block))
    if strategy == "low_attention":
        attention = -attention
    hidden = attention < np.sort(attention, axis=1)[:, -10, None]
    expected = by_hand(mae, images, hidden)
    assert result.mse == pytest.approx(expected["mae"]["mse"], rel=1e-3)
    telea = result.references["telea"]["ssim"]
    assert telea == pytest.approx(expected["telea"]["ssim"])
    assert result.strategy == strategy


def test_uint8_images_and_the_seed(rng):
    mae = randomize(keras_mra.MAE((8, 12, 1), (2, 3), **TINY))
    images = rng.integers(0, 256, (4, 8, 12, 1), dtype="uint8")
    results = [evaluation.paint(mae, images, seed=seed) for seed in (0, 0, 1)]
    assert results[0] == results[1] and results[0].mse != results[2].mse
    scaled = evaluation.paint(
        randomize(keras_mra.MAE((8, 12, 1), (2, 3), value_range=(0, 1), **TINY)),
        (images / 255).astype("float32"),
    )
    # Repainted uint8 pixels are rounded.
    assert results[0].mse == pytest.approx(scaled.mse, rel=1e-2)


def test_it_prints_and_saves(mae, images, tmp_path):
    result = evaluation.paint(mae, images)
    rows = [[c.strip() for c in line.split("|")] for line in str(result).splitlines()]
    assert [row[1] for row in rows[2:]] == [
        "MAE",
        "Telea's inpainting",
        "mean colour of the visible pixels",
        "nearest visible patch",
    ]
    assert rows[2][2] == f"{result.mse:.4f}" and rows[3][6] == "1.00"
    result.save(tmp_path / "result.json")
    assert '"protocol": "paint"' in (tmp_path / "result.json").read_text()


@pytest.mark.filterwarnings("ignore:`mae` was trained with `norm_pix_loss`")
def test_standardised_patches_are_given_their_statistics(images):
    arguments = dict(value_range=(-1, 1), norm_pix_loss=True, mask_ratio=0.4)
    mae = randomize(keras_mra.MAE(SHAPE, (2, 3), **arguments, **TINY))
    hidden = random_hidden(0, 5, 10)
    expected = {
        restore: by_hand(mae, images, hidden, restore)["mae"]["mse"]
        for restore in (True, False)
    }
    assert expected[True] < 0.8 * expected[False]

    def layer(restore):
        return keras_mra.layers.MaskReconstruct(mae, restore_patch_statistics=restore)

    for source, argument, restored in [
        (mae, None, True),
        (mae, False, False),
        (layer(True), None, True),
        (layer(False), None, False),
        (layer(False), True, True),
    ]:
        result = evaluation.paint(source, images, restore_patch_statistics=argument)
        assert result.restore_patch_statistics is restored
        assert result.mse == pytest.approx(expected[restored], rel=1e-3)


def test_flat_images_give_finite_numbers(mae):
    images = np.full((2, *SHAPE), 0.25, "float32")
    result = evaluation.paint(mae, images, batch_size=2)
    found = [result.to_dict(), *result.references.values()]
    for values in found:
        for name in ("mse", "psnr", "ssim", "seams", "mse_to_telea"):
            assert np.isfinite(values[name])
        assert values["seams"] < 2 * 510
    # Telea's paint is as flat, but for a rounded level.
    assert result.references["mean_color"]["seams"] == 1
    assert result.references["telea"]["mse_to_telea"] == 1


def test_bad_arguments_are_named(mae, images):
    with pytest.raises(ValueError, match="`mae` must be an MAE.*'mae_nano'.*str"):
        evaluation.paint("mae_nano", images)
    with pytest.raises(ValueError, match="`strategy` must be one of.*'best'"):
        evaluation.paint(mae, images, strategy="best")
    with pytest.raises(ValueError, match="`mask_ratio`"):
        evaluation.paint(mae, images, mask_ratio=0.01)
    for seed in (None, 1.5, -1, True):
        with pytest.raises(ValueError, match=f"`seed` must be an integer.*{seed}"):
            evaluation.paint(mae, images, seed=seed)
    with pytest.raises(ValueError, match="is for models trained with `norm_pix_loss`"):
        evaluation.paint(mae, images, restore_patch_statistics=True)
    with pytest.raises(ValueError, match="`restore_patch_statistics` must be True or"):
        evaluation.paint(mae, images, restore_patch_statistics=1)
    with pytest.raises(ValueError, match="`images` must lie in .*`value_range`"):
        evaluation.paint(mae, images * 2)
    encoder = keras_mra.MAE(SHAPE, (2, 3), **{**TINY, "decoder_depth": 0})
    with pytest.raises(ValueError, match="no decoder"):
        evaluation.paint(encoder, images)
