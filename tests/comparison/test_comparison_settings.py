"""Arguments of `compare`: refused by name before anything is read, written, trained."""

import importlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.models import TINY

import keras_mra
from keras_mra.comparison.comparison_settings import ComparisonSettings

pytestmark = pytest.mark.once
# The package's attribute of this name is the function.
MODULE = importlib.import_module("keras_mra.comparison.compare")
SOME = dict(
    preset=None, pretrain=None, network=None, arms=["MRA"], labels_per_class=None,
    image_size=None, minutes=1.0, epochs=None, seeds=None, mask_ratio=0.4, rate=0.5,
)  # fmt: skip
NO_NUMBERS = ["x", None, True, np.array([0.5]), np.ones(2), float("nan"), print, [0.5]]
NO_COUNTS = [0, -1, 1.5, True, "x", np.ones(2), float("nan"), print, 2**70]
BAD = {
    "mask_ratio": [5, 0, 1, *NO_NUMBERS],
    "rate": [-1, 2, *NO_NUMBERS],
    "minutes": [0, -1, float("inf"), 1e300, *NO_NUMBERS],
    "epochs": [100_001, *NO_COUNTS],
    "seeds": [1001, *NO_COUNTS],
    "labels_per_class": NO_COUNTS,
    "image_size": [2, 1025, 10**6, *NO_COUNTS],
    "network": ["nope", "resnet", "__name__", "", 3, print, np.ones(2)],
    "pretrain": ["nope", True, 3, np.ones(2)],
    "arms": ["MRA", [], [3], ["blur"], None, np.array(["MRA", "CutMix"]), {"MRA": 1}],
    "verbose": [3, "x", None, np.ones(2)],
    "out": ["", None, 3, b"x"],
}


@pytest.fixture
def nothing_begins(monkeypatch, tmp_path):
    """Fails the test if a preset or images are looked for, or the folder is."""
    monkeypatch.chdir(tmp_path)
    for name in ("trained_mae", "comparison_data"):
        monkeypatch.setattr(MODULE, name, lambda *_: pytest.fail("it began"))
    monkeypatch.setattr(MODULE.files, "probe_folder", lambda *_: pytest.fail("written"))


@pytest.mark.parametrize(
    "name, value", [(name, value) for name, values in BAD.items() for value in values]
)
def test_bad_arguments_are_named(name, value, nothing_begins, tmp_path):
    with pytest.raises(ValueError, match=f"^`{name}` must be "):
        keras_mra.compare("digits", "mae_nano", **{name: value})
    assert not any(tmp_path.iterdir())


def test_numbers_of_numpy_are_recorded_as_numbers():
    given = dict(
        minutes=np.float32(2), epochs=np.int64(3), seeds=np.uint8(1),
        mask_ratio=np.float32(0.5), rate=np.float16(0.25), labels_per_class=np.int8(4),
        arms=(np.str_("MRA"),), network=np.str_("small_cnn"),
    )  # fmt: skip
    images = SimpleNamespace(name="a", image_shape=(8, 8, 3), digest=lambda: "0")
    mae = keras_mra.MAE((8, 8, 3), 4, **TINY)
    found = ComparisonSettings(**{**SOME, **given}).recorded(images, mae)
    assert json.loads(json.dumps(found)) == found
    expected = dict(
        minutes=2, epochs=3, seeds=1, mask_ratio=0.5, rate=0.25, labels_per_class=4,
        arms=["MRA"], network="small_cnn",
    )  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    for name in ("epochs", "seeds", "labels_per_class"):
        assert type(found[name]) is int
    for name in ("minutes", "mask_ratio", "rate"):
        assert type(found[name]) is float


@pytest.mark.parametrize("channels, network", [(1, "small_cnn"), (3, "resnet20")])
def test_the_network_follows_from_the_images(channels, network):
    images = SimpleNamespace(image_shape=(8, 8, channels))
    assert ComparisonSettings(**SOME).network_for(images) == network
    chosen = ComparisonSettings(**{**SOME, "network": "ResNet50"})
    assert chosen.network_for(images) == "ResNet50"
