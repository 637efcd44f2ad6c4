import errno
import itertools
import json
import os
import pathlib
import shutil
import sys

import keras
import numpy as np
import pytest
from helpers import forked
from helpers.killed import killed_at
from helpers.models import TINY
from helpers.models import compute
from helpers.models import randomize
from helpers.models import same_weights
from helpers.reference_mae import ReferenceMAE

import keras_mra
from keras_mra import files
from keras_mra.models.convert import named_weights
from keras_mra.positions import resize_positions

ARCHITECTURES = ["mae_nano", "mae_mini", "mae_small", "mae_base", "mae_large"]
CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"


def make_mae(**arguments):
    return randomize(keras_mra.MAE((8, 12, 3), (4, 3), **{**TINY, **arguments}))


@pytest.fixture(scope="module")
def mae():
    return make_mae(mean=0.5, std=(0.1, 0.2, 0.3), value_range=(0, 1), mask_ratio=0.5)


@pytest.fixture(scope="module")
def saved(mae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "mine"
    mae.save_to_preset(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy that a test may damage."""
    return pathlib.Path(shutil.copytree(saved, tmp_path / "mine"))


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


# --- saving that fails ---------------------------------------------------------------


def disk_full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def fail_weights(monkeypatch):
    def save_weights(self, path, **_):
        pathlib.Path(path).write_bytes(b"half")
        disk_full()

    monkeypatch.setattr(keras.Model, "save_weights", save_weights)


def fail_config(monkeypatch):
    def write_text(self, *_, **__):
        self.write_bytes(b"{")
        disk_full()

    monkeypatch.setattr(pathlib.Path, "write_text", write_text)


def fail_metadata(monkeypatch):
    original = pathlib.Path.write_text

    def write_text(self, text, **kwargs):
        if "parameter_count" in text:
            self.write_bytes(b"{")
            disk_full()
        return original(self, text, **kwargs)

    monkeypatch.setattr(pathlib.Path, "write_text", write_text)


def fail_replace(monkeypatch):
    monkeypatch.setattr(os, "replace", disk_full)


FAILURES = [fail_weights, fail_config, fail_metadata, fail_replace]


@pytest.mark.parametrize("fail", FAILURES)
def test_a_full_disk_leaves_the_old_preset(folder, monkeypatch, fail):
    """All of it: new weights beside an old configuration would be no preset."""
    before = content(folder)
    other = make_mae(encoder_dim=8, mask_ratio=0.75)
    with monkeypatch.context() as patched:
        fail(patched)
        with pytest.raises(OSError, match="No space left") as error:
            other.save_to_preset(folder)
    assert str(folder) in str(error.value)
    assert content(folder) == before
    other.save_to_preset(folder)  # once there is space
    assert same_weights(keras_mra.MAE.from_preset(folder), other)


@pytest.mark.parametrize("fail", FAILURES)
def test_a_full_disk_leaves_no_half_preset(mae, tmp_path, monkeypatch, fail):
    with monkeypatch.context() as patched:
        fail(patched)
        with pytest.raises(OSError, match="No space left"):
            mae.save_to_preset(tmp_path / "new")
    assert content(tmp_path / "new") == {}


def test_a_file_in_the_way(mae, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="`path`.*file"):
        mae.save_to_preset(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, METADATA])
def test_a_folder_in_the_place_of_a_file(mae, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=f"`path` must .*{name}.*a folder"):
        mae.save_to_preset(tmp_path)
    assert os.listdir(tmp_path) == [name]


# --- weights and configuration of one model ------------------------------------------


def test_weights_of_another_model_are_refused(folder, tmp_path):
    """Of the same sizes, so that they would load."""
    other = make_mae(value_range=(0, 255))
    other.save_to_preset(tmp_path / "other")
    shutil.copy(tmp_path / "other" / WEIGHTS, folder / WEIGHTS)
    with pytest.raises(ValueError, match="`preset` must hold .* saved together"):
        keras_mra.MAE.from_preset(folder)
    assert keras_mra.MAE.from_preset(folder, load_weights=False).value_range == (0, 1)


def test_a_preset_of_an_earlier_version_has_no_digest(mae, folder):
    document = json.loads((folder / CONFIG).read_text())
    assert len(document.pop("weights_sha256")) == 64
    (folder / CONFIG).write_text(json.dumps(document))
    assert same_weights(keras_mra.MAE.from_preset(folder), mae)


def test_a_preset_that_is_replaced_while_it_is_loaded(folder, monkeypatch):
    other = make_mae(value_range=(0, 255))
    load = keras.Model.load_weights

    def replace_first(self, path, **kwargs):
        other.save_to_preset(folder)
        return load(self, path, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(keras.Model, "load_weights", replace_first)
        with pytest.raises(ValueError, match="saved together"):
            keras_mra.MAE.from_preset(folder)
    assert keras_mra.MAE.from_preset(folder).value_range == (0, 255)


def what_loads(folder, first, second):
    """Which of two models a folder holds, `None` where it is refused in our words."""
    try:
        loaded = keras_mra.MAE.from_preset(folder)
    except ValueError as error:
        assert "`preset`" in str(error)
        return None
    (found,) = [m for m in (first, second) if m.value_range == loaded.value_range]
    assert same_weights(loaded, found)
    return found


@pytest.mark.once
def test_a_kill_between_the_replacements_leaves_one_model_or_none(mae, saved, tmp_path):
    """`make test-slow` kills at every write."""
    other = make_mae(value_range=(0, 255))
    seen = []
    for number in itertools.count():
        folder = tmp_path / str(number)
        shutil.copytree(saved, folder)
        was_killed = killed_at(number, other.save_to_preset, folder, calls=["replace"])
        seen.append(what_loads(folder, mae, other))
        if not was_killed:
            break
    assert list(dict.fromkeys(seen)) == [mae, None, other] and len(seen) == 7
    other.save_to_preset(tmp_path / "3")
    assert {p.name for p in (tmp_path / "3").iterdir()} == {CONFIG, WEIGHTS, METADATA}


@pytest.mark.once
def test_two_processes_that_save_at_once_wait_for_each_other(tmp_path):
    first, second = make_mae(value_range=(0, 1)), make_mae(value_range=(0, 255))

    def save_often(model):
        for _ in range(3):
            model.save_to_preset(tmp_path)

    processes = [forked.start(save_often, model) for model in (first, second)]
    assert [forked.status(process) for process in processes] == [0, 0]
    assert what_loads(tmp_path, first, second) is not None


@pytest.mark.once
def test_a_process_that_saves_for_long_is_named(mae, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[files.replacing.__module__], "PATIENCE", 0.1)
    hold = lambda: files.locked(tmp_path, "", name=".mra-lock-config.json")  # noqa: E731
    with forked.holding(hold) as other:
        with pytest.raises(OSError, match=f"`path` must .*process {other} on"):
            mae.save_to_preset(tmp_path)


def test_saving_twice_replaces(folder, mae):
    other = make_mae(encoder_dim=8)
    other.save_to_preset(folder)
    loaded = keras_mra.MAE.from_preset(folder)
    assert loaded.encoder_dim == 8 and same_weights(loaded, other)
