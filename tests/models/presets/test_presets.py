import json

import keras
import numpy as np
import pytest
from helpers.models import compute
from helpers.models import same_weights
from helpers.reference_mae import ReferenceMAE
from helpers.small_preset import CONFIG
from helpers.small_preset import METADATA
from helpers.small_preset import WEIGHTS
from helpers.small_preset import make_mae

import keras_mra
from keras_mra.models.convert import named_weights
from keras_mra.positions import resize_positions

ARCHITECTURES = ["mae_nano", "mae_mini", "mae_small", "mae_base", "mae_large"]


# --- folders of one's own ------------------------------------------------------------


def test_round_trip(mae, saved, rng):
    loaded = keras_mra.MAE.from_preset(saved)
    assert loaded.get_config() == mae.get_config()
    assert same_weights(loaded, mae)
    images = rng.uniform(size=(2, 8, 12, 3)).astype("float32")
    np.testing.assert_array_equal(
        compute(loaded.encode, images), compute(mae.encode, images)
    )


def test_a_folder_is_a_string_too_and_can_move(mae, folder, tmp_path):
    moved = folder.rename(tmp_path / "elsewhere")
    assert same_weights(keras_mra.MAE.from_preset(str(moved)), mae)


def test_what_a_folder_holds(saved, mae):
    assert {p.name for p in saved.iterdir()} == {CONFIG, WEIGHTS, METADATA}
    metadata = json.loads((saved / METADATA).read_text())
    assert metadata["parameter_count"] == mae.count_params()
    assert metadata["keras_version"] == keras.__version__
    assert metadata["keras_mra_version"] == keras_mra.__version__


def test_weights_can_be_left_out(mae, folder):
    (folder / WEIGHTS).unlink()
    random = keras_mra.MAE.from_preset(folder, load_weights=False)
    assert not same_weights(random, mae)
    assert random.get_config() == mae.get_config()


def test_another_image_shape_keeps_the_weights(mae, saved, rng):
    """Only the positions depend on it, and they are computed anew."""
    larger = keras_mra.MAE.from_preset(saved, image_shape=(16, 9, 3))
    assert larger.grid == (4, 3) and same_weights(larger, mae)
    images = rng.uniform(size=(2, 16, 9, 3)).astype("float32")
    visible = np.array([[0, 11, 5], [4, 3, 2]], "int32")
    reference = ReferenceMAE(larger)
    np.testing.assert_allclose(
        compute(larger.predict_patches, images, visible),
        reference.predict_patches(images, visible),
        atol=1e-4,
    )


def test_settings_can_be_replaced(saved):
    loaded = keras_mra.MAE.from_preset(
        saved, mask_ratio=0.75, value_range=(0, 255), dtype="mixed_bfloat16", name="new"
    )
    assert (loaded.mask_ratio, loaded.value_range) == (0.75, (0.0, 255.0))
    assert loaded.dtype_policy.name == "mixed_bfloat16" and loaded.name == "new"


@pytest.mark.parametrize(
    "overrides, message",
    [
        (dict(encoder_dim=32), "`encoder_dim` must be 16, as in the weights.*=32"),
        (dict(encoder_depth=3), "`encoder_depth` must be 2, as in the weights.*=3"),
        (dict(decoder_dim=16), "`decoder_dim` must be 8, as in the weights.*=16"),
        (dict(decoder_depth=2), "`decoder_depth` must be 1, as in the weights.*=2"),
        (dict(mlp_ratio=4), "`mlp_ratio` must be 2.0, as in the weights.*=4"),
        (dict(patch_size=(2, 2)), r"weights.*could not be loaded.*size=\(2, 2\)"),
        (dict(positions="learned"), "weights.*could not be loaded.*'learned'"),
    ],
)
def test_weights_that_do_not_fit(saved, overrides, message):
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(saved, **overrides)


def test_an_encoder_gets_a_decoder(tmp_path):
    mae = make_mae(decoder_depth=0)
    mae.save_to_preset(tmp_path)
    loaded = keras_mra.MAE.from_preset(tmp_path, decoder_depth=1)
    images = np.random.default_rng(0).uniform(0, 255, (2, *mae.image_shape))
    images = images.astype("float32")
    np.testing.assert_array_equal(
        compute(loaded.encode, images), compute(mae.encode, images)
    )
    visible = np.zeros((2, 1), "int32")
    assert compute(loaded.reconstruct, images, visible).shape == images.shape


def test_learned_positions_of_a_preset_are_resized(tmp_path):
    mae = make_mae(positions="learned")
    mae.save_to_preset(tmp_path)
    # A ratio that would drop all of the 8 patches of the stored size.
    loaded = keras_mra.MAE.from_preset(
        tmp_path, image_shape=(16, 12, 3), mask_ratio=0.95
    )
    assert loaded.grid == (4, 4) and loaded.mask_ratio == 0.95
    matrix = resize_positions(mae.grid, loaded.grid)
    given = weights_of(mae)
    for name, found in weights_of(loaded).items():
        expected = given[name]
        if "positions" in name:
            rows = len(expected) - mae.num_patches  # of the class token
            expected = np.concatenate([expected[:rows], matrix @ expected[rows:]])
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_another_patch_size_is_named_with_the_size_that_was_asked_for(tmp_path):
    make_mae(positions="learned").save_to_preset(tmp_path)
    with pytest.raises(ValueError, match=r"could not be loaded.*\(10, 10, 3\)"):
        keras_mra.MAE.from_preset(tmp_path, image_shape=(10, 10, 3), patch_size=5)


def weights_of(mae):
    found = named_weights(mae).items()
    return {name: keras.ops.convert_to_numpy(variable) for name, variable in found}


# --- what is no preset ---------------------------------------------------------------


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match="Received: preset='mae_huge'") as error:
        keras_mra.MAE.from_preset("mae_huge")
    assert all(name in str(error.value) for name in keras_mra.MAE.presets())


@pytest.mark.parametrize("preset", [None, 3, ["mae_nano"]])
def test_no_name(preset):
    with pytest.raises(
        ValueError, match="`preset` must be the name of a preset, a path or a handle"
    ):
        keras_mra.MAE.from_preset(preset)


@pytest.mark.parametrize("path", [None, "", -1, ["a"]])
def test_what_is_no_path(mae, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for write in (
        mae.save_to_preset,
        mae.export_transformers,
        lambda path: keras_mra.upload_preset("hf://a/b", path),
    ):
        with pytest.raises(ValueError, match="`path` must be the path of a folder"):
            write(path)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_configuration(tmp_path):
    with pytest.raises(
        ValueError, match="must be a preset folder.*without 'config.json'"
    ):
        keras_mra.MAE.from_preset(tmp_path)


@pytest.mark.parametrize(
    "document",
    [
        {"class_name": "Dense", "registered_name": None, "config": {}},
        {"class_name": "ViT", "registered_name": "keras_hub>ViTBackbone", "config": {}},
        {"registered_name": "keras_mra>MAE"},
        {},
    ],
)
def test_a_foreign_folder(folder, document):
    (folder / CONFIG).write_text(json.dumps(document))
    with pytest.raises(ValueError, match="`preset` must be an MAE's.*config.json"):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize("document", [[], "MAE", 3])
def test_a_configuration_that_is_no_object(folder, document):
    (folder / CONFIG).write_text(json.dumps(document))
    with pytest.raises(ValueError, match="config.json.*must hold a JSON object"):
        keras_mra.MAE.from_preset(folder)


def test_code_in_a_configuration_is_not_run(folder, tmp_path):
    evil = {"module": "os", "class_name": "mkdir", "registered_name": "os>mkdir"}
    (folder / CONFIG).write_text(json.dumps({**evil, "config": {"x": str(tmp_path)}}))
    with pytest.raises(ValueError, match="must be an MAE's"):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize("text", ["", "{", "\x00\x01", "{'a': 1}"])
def test_a_broken_configuration(folder, text):
    (folder / CONFIG).write_text(text)
    with pytest.raises(ValueError, match="config.json.*could not be read"):
        keras_mra.MAE.from_preset(folder)


def test_a_configuration_that_is_not_text(folder):
    (folder / CONFIG).write_bytes(b"\xff\xfe\xba\xad")
    with pytest.raises(ValueError, match="config.json.*could not be read"):
        keras_mra.MAE.from_preset(folder)


def test_an_argument_that_mae_does_not_have(folder):
    document = json.loads((folder / CONFIG).read_text())
    document["config"]["rotary"] = True
    (folder / CONFIG).write_text(json.dumps(document))
    with pytest.raises((ValueError, TypeError), match="rotary"):
        keras_mra.MAE.from_preset(folder)


def test_missing_weights(folder):
    (folder / WEIGHTS).unlink()
    with pytest.raises(ValueError, match="no weights.*model.weights.h5.*missing"):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize("keep", [0, 100, 0.5])
def test_broken_weights(folder, keep):
    content = (folder / WEIGHTS).read_bytes()
    keep = int(keep * len(content)) if isinstance(keep, float) else keep
    (folder / WEIGHTS).write_bytes(content[:keep])
    with pytest.raises(ValueError, match="model.weights.h5.*could not be loaded"):
        keras_mra.MAE.from_preset(folder)
