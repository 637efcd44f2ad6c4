"""What `compare` refuses once it knows the preset and the images, before it writes."""

import sys

import pytest
from helpers.models import TINY
from helpers.models import randomize
from helpers.small_study import coloured
from helpers.small_study import folder_of_classes

import keras_mra
from keras_mra.comparison import arm_trainer
from keras_mra.comparison import find_autoencoder

pytestmark = pytest.mark.once
DATA = coloured(24)


@pytest.fixture(autouse=True)
def nothing_is_trained(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        find_autoencoder, "pretrain_mae", lambda *_, **__: pytest.fail("trained")
    )
    monkeypatch.setattr(arm_trainer, "ArmTrainer", None)


def saved(folder, channels=3, trained=True, **arguments):
    mae = keras_mra.MAE((8, 8, channels), 4, **{**TINY, **arguments})
    (randomize(mae) if trained else mae).save_to_preset(folder)
    return str(folder)


def refused(match, data=DATA, preset=None, **arguments):
    with pytest.raises(ValueError, match=match):
        keras_mra.compare(data, preset, out="compared", verbose=False, **arguments)


@pytest.mark.parametrize("pretrain", [None, "quick"])
def test_presets(pretrain, tmp_path):
    untrained = saved(tmp_path / "untrained", trained=False)
    refused("^`preset` must be trained.*untrained", None, untrained, pretrain=pretrain)
    refused("^`preset` must have weights", None, "mae_nano", pretrain=pretrain)
    refused("^`preset` must be the path", None, "nothing", pretrain=pretrain)
    gray = saved(tmp_path / "gray", channels=1)
    refused("^`preset` must be for images of 3 ch", preset=gray, pretrain=pretrain)
    assert not (tmp_path / "compared").exists()


def test_a_preset_that_cannot_paint(tmp_path):
    encoder = saved(tmp_path / "encoder", decoder_depth=0)
    refused("^`preset` '.*encoder' does not suit.*decoder", preset=encoder)
    assert not (tmp_path / "compared").exists()


@pytest.mark.parametrize("pretrain", [None, "quick"])
@pytest.mark.parametrize("ratio", [0.001, 0.999])
def test_a_ratio_that_keeps_or_drops_nothing(pretrain, ratio, tmp_path):
    # Both the shipped autoencoder and one for 8x8 pixels have 64 patches.
    expected = "^`mask_ratio` must keep and drop.* of the 64 patches"
    refused(expected, pretrain=pretrain, mask_ratio=ratio)
    assert not (tmp_path / "compared").exists()


def test_a_network_that_needs_larger_images(tmp_path):
    refused("^`network` must take images of shape.*ResNet50.*32", network="ResNet50")
    assert not (tmp_path / "compared").exists()


def test_images_that_pretraining_cannot_cut(tmp_path):
    expected = "^`image_size` must be a side that `pretrain` can cut.* 67x67 pixels"
    refused(expected, pretrain="quick", image_size=67)
    assert not (tmp_path / "compared").exists()


@pytest.mark.parametrize("name", ["autoencoder", "autoencoder.checkpoint"])
def test_an_autoencoder_of_unknown_images(name, tmp_path):
    (tmp_path / "compared" / name).mkdir(parents=True)
    refused(f"^`out` must be a new folder.* holds {name} of another", pretrain="quick")
    assert [path.name for path in (tmp_path / "compared").glob("[a-z]*")] == [name]


@pytest.mark.parametrize("out", [".", "blue", "blue/deep/er", "link/x"])
def test_a_folder_among_the_images(out, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    data = folder_of_classes(folder)
    (tmp_path / "link").symlink_to(folder / "red")
    place = tmp_path / out if "link" in out else folder / out
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="^`out` must be outside of the folder of `d"):
        keras_mra.compare(data, out=place)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_missing_matplotlib_is_found_out_first(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="Figures need matplotlib"):
        keras_mra.compare(None, out="compared")
