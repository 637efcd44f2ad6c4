"""All measures at once, beside those of the single protocols."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize

import keras_mra
from keras_mra import evaluation
from keras_mra.layers import MaskReconstruct

pytestmark = pytest.mark.usefixtures("quick_compilation")


def make_mae(**arguments):
    return randomize(keras_mra.MAE((8, 8, 1), 2, **{**TINY, **arguments}))


@pytest.fixture(scope="module")
def mae():
    return make_mae()


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (5, 8, 8, 1), dtype="uint8")


@pytest.fixture
def masks(rng):
    return rng.random((5, 8, 8)) > 0.4


def assert_same(one, other):
    one, other = (dataclasses.asdict(result) for result in (one, other))
    assert one.keys() == other.keys()
    for name, value in one.items():
        expected = other[name]
        if isinstance(value, dict):
            for key in value:
                assert value[key] == pytest.approx(expected[key], rel=1e-3), name
        elif isinstance(value, float):
            assert value == pytest.approx(expected, rel=1e-3), name
        else:
            assert value == expected, name


def test_it_gives_what_the_protocols_give(mae, images, masks):
    found = evaluation.inspect(mae, images, masks, (0.25, 0.5), batch_size=4)
    assert (found.mask_ratios, found.images) == ((0.25, 0.5), 5)
    assert found.strategy == "attention"
    assert_same(
        found.attention_statistics, evaluation.attention_statistics(mae, images)
    )
    for ratio, foreground, paint in zip((0.25, 0.5), found.foreground, found.paint):
        assert_same(foreground, evaluation.foreground(mae, images, masks, ratio))
        assert_same(paint, evaluation.paint(mae, images, ratio, "attention"))
    verdict = evaluation.attention_verdict(found.foreground[0])
    assert found.attention_verdict == verdict
    assert found.paint_verdicts == tuple(map(evaluation.paint_verdict, found.paint))


def test_without_masks(mae, images):
    found = evaluation.inspect(mae, images)
    assert found.foreground == () and found.mask_ratios == (0.25, 0.4, 0.75)
    assert "masks of the objects would decide" in found.attention_verdict
    assert "AUROC" not in str(found)


def test_a_layer_gives_its_attention_and_strategy(images, masks):
    pool = keras.layers.AveragePooling2D(2)
    model = keras.Sequential([keras.Input((8, 8, 1)), pool, keras.layers.Flatten()])
    mae = make_mae(norm_pix_loss=True)
    layer = MaskReconstruct(
        mae,
        strategy="low_attention",
        attention_model=model,
        restore_patch_statistics=True,
    )
    found = evaluation.inspect(layer, images, masks, [0.5])
    assert found.strategy == found.paint[0].strategy == "low_attention"
    assert found.attention_statistics.self_attention is None
    assert found.paint[0].restore_patch_statistics
    assert_same(found.foreground[0], evaluation.foreground(model, images, masks, 0.5))
    by_hand = evaluation.paint(layer, images, 0.5, "low_attention")
    assert_same(found.paint[0], by_hand)
    random = MaskReconstruct(make_mae(), strategy="random")
    found = evaluation.inspect(random, images, mask_ratios=[0.5], seed=3)
    assert_same(found.paint[0], evaluation.paint(random, images, 0.5, seed=3))


def test_an_encoder_alone_does_not_paint(images):
    found = evaluation.inspect(make_mae(decoder_depth=0), images)
    assert found.paint == found.paint_verdicts == ()
    assert "MSE" not in str(found) and found.attention_verdict in str(found)


def test_it_prints_and_saves(mae, images, masks, tmp_path):
    masks[0] = True
    found = evaluation.inspect(mae, images, masks, (0.25, 0.5))
    lines = str(found).splitlines()
    assert lines[-1] == found.attention_verdict
    assert lines[-4:-1] == ["", *found.paint_verdicts]
    table = [[c.strip() for c in line.split("|")[1:4]] for line in lines[:-4]]
    values = {row[0]: row[1:] for row in table}
    statistics = found.attention_statistics
    assert values["entropy, % of uniform"][0] == f"{100 * statistics.entropy:.2f}"
    value, others = values["AUROC (images left out: 1)"]
    auroc = found.foreground[0].auroc
    assert value.startswith(f"{auroc:.3f} ±")
    assert others.endswith("chance 0.500")
    for foreground, paint in zip(found.foreground, found.paint):
        kept = values[f"foreground kept at {foreground.mask_ratio:g}, %"]
        assert kept[0] == f"{100 * foreground.foreground_kept:.2f}"
        repainted = values[f"background repainted at {foreground.mask_ratio:g}, %"]
        assert repainted[0] == f"{100 * foreground.background_repainted:.2f}"
        mse, others = values[f"MSE at {paint.mask_ratio:g}"]
        assert mse == f"{paint.mse:.4f}"
        assert others.startswith(
            f"Telea's {paint.references['telea']['mse']:.4f}, mean"
        )
        for name in ("PSNR, dB", "SSIM", "seams", "MSE / Telea's"):
            assert f"{name} at {paint.mask_ratio:g}" in values
    found.save(tmp_path / "inspection.json")
    saved = json.loads((tmp_path / "inspection.json").read_text())
    assert saved["protocol"] == "inspect"
    assert saved["paint"][1]["mask_ratio"] == 0.5
    assert saved["foreground"][0]["left_out"] == 1


def test_bad_arguments_are_named(mae, images, masks):
    good = {"mae": mae, "images": images, "masks": masks}
    for arguments, message in [
        ({"mae": "mae_nano"}, "`mae` must be an MAE.*'mae_nano'"),
        ({"images": images[:1]}, "`images` must hold at least two images"),
        ({"images": images + 300.0}, "`images` must lie in"),
        ({"masks": masks[:2]}, "`masks` must be as many as `images`"),
        ({"masks": np.zeros((5, 8, 8))}, "`masks` must give at least one image"),
        ({"mask_ratios": 0.4}, "`mask_ratios` must be a sequence"),
        ({"mask_ratios": ()}, "`mask_ratios` must be a sequence"),
        ({"mask_ratios": np.array(0.4)}, "`mask_ratios` must be a sequence"),
        ({"mask_ratios": np.array([[0.4]])}, "`mask_ratios` must be a sequence"),
        ({"mask_ratios": [[0.4]]}, "`mask_ratios` must be a sequence"),
        ({"mask_ratios": (0.4, np.nan)}, "`mask_ratios` must be a sequence.*nan"),
        ({"mask_ratios": "0.4"}, "`mask_ratios` must be a sequence"),
        ({"mask_ratios": (0.4, 1.5)}, "`mask_ratios` must be a sequence"),
        ({"mask_ratios": (0.4, 0.01)}, "`mask_ratios` must be .* keep and drop"),
        ({"seed": 0.5}, "`seed` must be an integer"),
        ({"batch_size": 0}, "`batch_size` must be a positive integer"),
    ]:
        with pytest.raises(ValueError, match=message):
            evaluation.inspect(**{**good, **arguments})
