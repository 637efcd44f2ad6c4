"""The record of the settings, and the refusal of other ones over old copies."""

import json

import keras
import pytest
from helpers.augmenting import augment
from helpers.augmenting import tree
from helpers.augmenting import write
from helpers.models import TINY
from helpers.reading import noise

import keras_mra
from keras_mra.augment.settings import RECORD
from keras_mra.models.describe_mae import describe_mae

SETTINGS = {
    "copies": 2,
    "mask_ratio": 0.5,
    "strategy": "random",
    "temperature": 0.5,
    "seed": 3,
    "format": "jpeg",
    "quality": 80,
    "include_originals": True,
}


@pytest.fixture
def source(tmp_path):
    for name in ("a.png", "x/b.png"):
        write(tmp_path / "in" / name, noise(16, 16, 3))


@pytest.fixture
def done(source, mae, tmp_path):
    augment(mae, tmp_path, **SETTINGS)
    return tree(tmp_path / "out")


@pytest.mark.once
def test_record_holds_the_settings(mae, done):
    record = json.loads(done[RECORD])
    assert record == SETTINGS | {
        "mae": describe_mae(mae),
        "keras_mra_version": keras_mra.__version__,
    }
    assert record["mae"].startswith("images of 16x16x3, weights ")


@pytest.mark.once
@pytest.mark.parametrize(
    "name, value",
    [
        ("copies", 1),
        ("mask_ratio", 0.4),
        ("strategy", "attention"),
        ("temperature", 1.0),
        ("seed", 0),
        ("format", "webp"),
        ("quality", 90),
        ("include_originals", False),
    ],
)
def test_other_settings_are_refused_by_name(mae, tmp_path, done, name, value):
    with pytest.raises(ValueError, match="`target` must be .*another folder") as caught:
        augment(mae, tmp_path, **SETTINGS | {name: value})
    message = str(caught.value)
    assert f"{name}={SETTINGS[name]!r} there and {value!r} now" in message
    assert message.count(" there and ") == 1
    assert tree(tmp_path / "out") == done


@pytest.mark.once
def test_all_that_differs_is_named(mae, tmp_path, done):
    with pytest.raises(ValueError, match="mask_ratio=0.5 there .* seed=3 there"):
        augment(mae, tmp_path, **SETTINGS | {"mask_ratio": 0.25, "seed": 4})


@pytest.mark.once
def test_another_autoencoder_is_refused(tmp_path, done):
    other = keras_mra.MAE(
        image_shape=(16, 16, 3), patch_size=4, **TINY
    )  # Other random weights.
    with pytest.raises(ValueError, match="preset.='images of .* there and 'images of"):
        augment(other, tmp_path, **SETTINGS)
    assert tree(tmp_path / "out") == done


@pytest.mark.once
def test_more_copies_are_allowed_and_recorded(mae, tmp_path, done):
    report = augment(mae, tmp_path, **SETTINGS | {"copies": 3})
    assert (report.written, report.skipped) == (2, 4)
    assert json.loads(tree(tmp_path / "out")[RECORD])["copies"] == 3
    with pytest.raises(ValueError, match="copies=3 there and 2 now"):
        augment(mae, tmp_path, **SETTINGS)


@pytest.mark.once
def test_quality_does_not_matter_to_png(mae, tmp_path, source):
    augment(mae, tmp_path, quality=50)
    assert augment(mae, tmp_path, quality=60).skipped == 2


@pytest.mark.once
def test_copies_without_a_record_are_refused(mae, tmp_path, done):
    (tmp_path / "out" / RECORD).unlink()
    with pytest.raises(ValueError, match=r"\.mra\d\.jpg' and no record"):
        augment(mae, tmp_path, **SETTINGS)
    assert RECORD not in tree(tmp_path / "out")


@pytest.mark.once
def test_a_damaged_record_is_refused(mae, tmp_path, done):
    (tmp_path / "out" / RECORD).write_text("{")
    with pytest.raises(ValueError, match=f"{RECORD}' could not be read"):
        augment(mae, tmp_path, **SETTINGS)


@pytest.mark.once
def test_a_folder_without_copies_takes_any_settings(mae, tmp_path, done):
    for path in (tmp_path / "out").rglob("*.mra*"):
        path.unlink()
    write(tmp_path / "out" / "mine.png", noise(4, 4))
    report = augment(mae, tmp_path, copies=1)
    assert report.written == 2
    assert json.loads(tree(tmp_path / "out")[RECORD])["mask_ratio"] == 0.4


def test_identity_of_an_autoencoder(tmp_path):
    """It depends on weights and on what decides the paint, not on names and dtypes."""
    keras.utils.set_random_seed(0)
    mae = keras_mra.MAE(image_shape=(16, 16, 3), patch_size=4, **TINY)
    found = describe_mae(mae)
    mae.save_to_preset(tmp_path / "preset")
    load = keras_mra.MAE.from_preset
    again = load(tmp_path / "preset", name="other", dtype="mixed_bfloat16")
    assert describe_mae(again) == found
    again.trainable = False
    assert describe_mae(again) == found
    assert describe_mae(load(tmp_path / "preset", value_range=(0, 1))) != found
    kernel = mae.trainable_weights[-1]
    kernel.assign_add(keras.ops.full(kernel.shape, 1e-3))
    assert describe_mae(mae) != found
