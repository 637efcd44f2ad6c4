"""The options of a study, and the data that they choose."""

import numpy as np
import pytest
from helpers.models import TINY
from helpers.small_study import SHAPE
from helpers.small_study import coloured_splits
from helpers.small_study import digits_study
from helpers.small_study import folder_of_classes
from study.study import Study

from keras_mra.models import MAE

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folder_of_classes(tmp_path_factory.mktemp("classes"))


@pytest.mark.filterwarnings("ignore:3 images cannot be read")
@pytest.mark.parametrize(
    "options, side",
    [
        (["--quick"], 32),
        (["--quick", "--image-size", "80"], 80),
        (["--quick", "--mae", "somewhere"], 224),
        ([], 224),
    ],
)
def test_quick_studies_take_small_images(folder, options, side):
    found = Study("Title.", {}, {}, ["--data", folder, *options]).data
    assert found.image_shape == (side, side, 3)
    assert found.train.batch(np.arange(2))[0].shape == (2, side, side, 3)


def test_options_override_the_quick_settings_and_the_defaults(tmp_path):
    this = digits_study(tmp_path, "--seeds", "3", "4", "--learning-rate", "0.002")
    assert this.title == "A title" and this.args.seeds == [3, 4]
    assert this.settings["epochs"] == 3 and this.settings["learning_rate"] == 0.002
    assert this.settings["arms"] == ["none", "MixUp"]
    assert digits_study(tmp_path).args.seeds == [0]
    slow = Study("Title.", {"epochs": 60, "flag": False}, {"epochs": 1}, ["--flag"])
    assert slow.settings == {"epochs": 60, "flag": True}
    assert slow.args.seeds == [0, 1, 2]


def test_networks_bring_their_recipes(tmp_path):
    this = digits_study(tmp_path, "--network", "resnet20", "--learning-rate", "0.2")
    assert this.settings["optimizer"] == "sgd" and this.settings["weight_decay"] > 0
    # What is given, and what is quick, comes before a recipe.
    assert this.settings["learning_rate"] == 0.2 and this.settings["batch_size"] == 20
    plain = digits_study(tmp_path).settings
    assert plain["optimizer"] == "adam" and plain["weight_decay"] == 0


def test_an_experiment_on_validation_images(tmp_path):
    this = digits_study(tmp_path)
    other = this.on_validation()
    assert other.data.train.num_samples + other.data.test.num_samples == 300
    assert this.data.train.num_samples == 300 and not this.args.validation
    assert this.runs.place("none", {}) != other.runs.place("none", {})
    assert other.settings == this.settings


def test_runs_depend_on_the_data(tmp_path):
    this, same = digits_study(tmp_path), digits_study(tmp_path, "--seeds", "7")
    assert this.runs.place("none", {}) == same.runs.place("none", {})
    for options in (["--validation"], ["--classes", "1", "2"], ["--mae", "other"]):
        other = digits_study(tmp_path, *options)
        assert this.runs.place("none", {}) != other.runs.place("none", {})


def test_runs_depend_on_what_the_names_stand_for(tmp_path):
    preset = tmp_path / "preset"

    def place(one_pixel):
        this = digits_study(tmp_path, "--mae", str(preset))
        data = coloured_splits()
        data.test.images[0, 0, 0, 0] = one_pixel
        this.data = data
        return this.runs.place("none", {})

    MAE(SHAPE, 4, **TINY, seed=0).save_to_preset(preset)
    first = place(0)
    assert place(0) == first and place(1) != first
    MAE(SHAPE, 4, **TINY, seed=1).save_to_preset(preset)
    assert place(0) != first


def test_an_autoencoder_of_another_range_is_refused(tmp_path):
    MAE(SHAPE, 4, **TINY, value_range=(0, 1)).save_to_preset(tmp_path / "preset")
    this = digits_study(tmp_path, "--mae", str(tmp_path / "preset"))
    with pytest.raises(ValueError, match=r"`--mae` must take.*\(0.0, 1.0\)"):
        _ = this.mae


def test_a_repeated_seed_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`--seeds` must.*\[3, 4, 3\]"):
        digits_study(tmp_path, "--seeds", "3", "4", "3")


def test_the_record_names_the_command_and_the_settings(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["anywhere/supervised.py"])
    this = digits_study(tmp_path, "--seeds", "3", "4")
    record = this.record(runs={"none": [0.5]})
    assert " python examples/papers/supervised.py --data digits" in record["command"]
    assert record["command"].endswith("--seeds 3 4")
    assert record["seeds"] == [3, 4] and record["runs"] == {"none": [0.5]}
    assert record["machine"]["packages"]["keras"]
    assert record["train_images"] == this.data.train.num_samples == 300
    assert record["settings"] == this.settings
