"""A comparison on small images: runs, pairs, files, and a restart after a kill."""

import json
import sys

import keras
import numpy as np
import pytest
from helpers import forked
from helpers.models import TINY
from helpers.models import randomize
from helpers.small_study import SHAPE
from helpers.small_study import coloured

import keras_mra
from keras_mra import files
from keras_mra.comparison import arm_trainer
from keras_mra.comparison.arms import BASE
from keras_mra.comparison.arms import NAMES
from keras_mra.comparison.arms import MRASettings
from keras_mra.comparison.arms import check_arms
from keras_mra.comparison.arms import code_of
from keras_mra.comparison.arms import layers_of
from keras_mra.comparison.comparison_plan import Costs

SMALL = dict(network="small_cnn", epochs=3, seeds=2, verbose=False)


@pytest.fixture(scope="module")
def data():
    return coloured(120)


@pytest.fixture(scope="module")
def mra():
    mae = keras_mra.MAE.from_preset("mae_nano_photos_32")
    return MRASettings(mae, 0.4, 0.5)


@pytest.fixture(scope="module")
def compared(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    return keras_mra.compare(data, arms=["MRA", "MixUp"], out=out, **SMALL), out


def test_every_arm_has_every_seed(compared):
    found, _ = compared
    assert list(found.runs) == [BASE, "MRA", "MixUp"]
    for runs in found.runs.values():
        assert [run["seed"] for run in runs] == [0, 1]
        for run in runs:
            for measure in ("error", "occluded", "swapped"):
                assert 0 <= run[measure] <= 1
            assert run["curve"]["epoch"] == [1, 2, 3]
    assert found.base == "flips and crops"
    assert found.plan["train_images"] == 96 and found.plan["test_images"] == 24


def test_the_table_pairs_the_seeds(compared):
    found, _ = compared
    base, mixup = found.runs[BASE], found.runs["MixUp"]
    by_hand = [100 * (a["error"] - b["error"]) for a, b in zip(mixup, base)]
    rows = {row[0]: row for row in found.rows()}
    assert rows["+ MixUp"][4].startswith(f"{np.mean(by_hand):+.2f} [")
    assert rows["flips and crops"][4] == ""
    assert found.verdict in str(found) and found.attention in str(found)


def test_the_files_hold_the_result(compared):
    found, out = compared
    written = json.loads((out / "compare.json").read_text())
    assert written.pop("content_sha256") and written == found.to_dict()
    assert (out / "compare.png").read_bytes()[1:4] == b"PNG"


def test_another_comparison_does_not_enter_the_folder(compared, data):
    _, out = compared
    with pytest.raises(ValueError, match="`out` must be a new folder.*epochs 3, not 4"):
        keras_mra.compare(
            data, arms=["MRA", "MixUp"], out=out, **{**SMALL, "epochs": 4}
        )


@pytest.mark.once
def test_a_second_process_does_not_enter_the_folder(data, tmp_path):
    hold = lambda: files.locked(tmp_path, "out")  # noqa: E731
    with forked.holding(hold) as first:
        with pytest.raises(OSError, match=f"`out` must .*process {first} on"):
            keras_mra.compare(data, arms=["MixUp"], out=tmp_path, **SMALL)


@pytest.mark.once
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    data, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder" / "compare.png").mkdir(parents=True)
    monkeypatch.setattr(arm_trainer.ArmTrainer, "run", None)
    for out in ("file", "file/deep", "folder"):
        with pytest.raises(OSError, match="`out` must be a folder that can be"):
            keras_mra.compare(data, arms=["MixUp"], out=tmp_path / out, **SMALL)


def test_other_images_do_not_enter_the_folder(compared):
    _, out = compared
    with pytest.raises(ValueError, match="`out` must be a new folder.*images_sha256"):
        keras_mra.compare(
            coloured(120, seed=1), arms=["MRA", "MixUp"], out=out, **SMALL
        )


@pytest.mark.once
def test_a_time_that_does_not_suffice_is_named(data, tmp_path, monkeypatch, capsys):
    class Begun(Exception):
        pass

    def begin(self, arm, seed, epochs):
        raise Begun

    costs = Costs(10, {"base": 6.0, "MixUp": 6.0}, 0.0)
    monkeypatch.setattr(arm_trainer.ArmTrainer, "time", lambda self, arms: costs)
    monkeypatch.setattr(arm_trainer.ArmTrainer, "run", begin)
    settings = {**SMALL, "epochs": None, "seeds": None, "verbose": True}
    for minutes, said in ((4, True), (13, False)):
        with pytest.raises(Begun):
            keras_mra.compare(
                data,
                arms=["MixUp"],
                minutes=minutes,
                out=tmp_path / str(minutes),
                **settings,
            )
        told = "3 seeds of 2 epochs take about 12 minutes, more than the 4 that were"
        assert (told in capsys.readouterr().out) is said


@pytest.mark.once
@pytest.mark.parametrize(
    "labels, told",
    [
        (None, "96 images to train on, 24 images to test on"),
        (2, "each seed trains on 8 of 80 images, 24 images to test on"),
    ],
)
def test_the_first_line_counts_the_images_of_a_run(
    data, tmp_path, capsys, monkeypatch, labels, told
):
    class Timed(Exception):
        pass

    def time(self, arms):
        raise Timed

    monkeypatch.setattr(arm_trainer.ArmTrainer, "time", time)
    with pytest.raises(Timed):
        keras_mra.compare(
            data,
            arms=["MixUp"],
            out=tmp_path,
            labels_per_class=labels,
            **{**SMALL, "verbose": True},
        )
    assert told in capsys.readouterr().out.splitlines()[0]


def told_run(seed, seconds):
    """What a run returns, without a run."""
    curve = {"epoch": [1], "loss": [1.0], "error": [0.5]}
    return dict(
        seed=seed, error=0.5, occluded=0.5, swapped=0.5, curve=curve, seconds=seconds
    )


@pytest.mark.once
@pytest.mark.parametrize("epochs, seeds", [(60, 3), (61, 5)])
def test_many_epochs_have_more_seeds_however_slow(
    data, tmp_path, monkeypatch, epochs, seeds
):
    module = sys.modules["keras_mra.comparison.compare"]
    monkeypatch.setattr(module, "make_plan", lambda *_: epochs)
    run = lambda self, arm, seed, epochs: told_run(seed, 1e3)  # noqa: E731
    monkeypatch.setattr(arm_trainer.ArmTrainer, "run", run)
    settings = {**SMALL, "epochs": None, "seeds": None, "minutes": 1e-9}
    found = keras_mra.compare(data, arms=["MixUp"], out=tmp_path, **settings)
    assert {arm: len(runs) for arm, runs in found.runs.items()} == {
        BASE: seeds,
        "MixUp": seeds,
    }


@pytest.mark.once
def test_a_seed_that_was_begun_is_finished(data, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    left = [8]

    def run(self, arm, seed, epochs):
        left[0] -= 1
        if not left[0]:
            raise Killed
        return told_run(seed, 500.0)

    monkeypatch.setattr(arm_trainer.ArmTrainer, "run", run)
    settings = {**SMALL, "seeds": None, "minutes": 60}
    with pytest.raises(Killed):
        keras_mra.compare(data, arms=["MixUp"], out=tmp_path, **settings)
    # The seven runs took so long that no further seed fits.
    found = keras_mra.compare(data, arms=["MixUp"], out=tmp_path, **settings)
    assert {arm: len(runs) for arm, runs in found.runs.items()} == {BASE: 4, "MixUp": 4}


@pytest.mark.once
def test_the_time_left_is_told(data, tmp_path, capsys, monkeypatch):
    run = lambda self, arm, seed, epochs: told_run(seed, 60.0)  # noqa: E731
    monkeypatch.setattr(arm_trainer.ArmTrainer, "run", run)
    for seeds, told in ((1, "about 1 min left for 1 seed"), (2, "2 seeds")):
        keras_mra.compare(
            data,
            arms=["MixUp"],
            out=tmp_path / str(seeds),
            **{**SMALL, "seeds": seeds, "verbose": True},
        )
        assert f"{told}\n" in capsys.readouterr().out


def test_another_backend_or_autoencoder_does_not_enter_the_folder(
    compared, data, monkeypatch, tmp_path
):
    _, out = compared
    with monkeypatch.context() as other:
        other.setattr("keras.backend.backend", lambda: "other")
        with pytest.raises(ValueError, match="`out` must.*backend.*not 'other'"):
            keras_mra.compare(data, arms=["MRA", "MixUp"], out=out, **SMALL)
    preset = tmp_path / "preset"
    settings = {**SMALL, "preset": preset, "epochs": 1, "seeds": 1}
    randomize(keras_mra.MAE(SHAPE, 4, **TINY), 0).save_to_preset(preset)
    keras_mra.compare(data, arms=["MixUp"], out=tmp_path / "out", **settings)
    randomize(keras_mra.MAE(SHAPE, 4, **TINY), 1).save_to_preset(preset)
    with pytest.raises(ValueError, match="`out` must.*made with autoencoder"):
        keras_mra.compare(data, arms=["MixUp"], out=tmp_path / "out", **settings)


def test_a_killed_comparison_goes_on(data, tmp_path, monkeypatch):
    trained = []
    run = arm_trainer.ArmTrainer.run

    def dying(self, arm, seed, epochs):
        if len(trained) == 3:
            trained.append("killed")
            raise KeyboardInterrupt
        trained.append((arm, seed))
        return run(self, arm, seed, epochs)

    monkeypatch.setattr(arm_trainer.ArmTrainer, "run", dying)
    settings = {**SMALL, "arms": ["MixUp"], "out": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        keras_mra.compare(data, **settings)
    monkeypatch.setattr(
        arm_trainer.ArmTrainer, "time", lambda *_: pytest.fail("planned again")
    )
    found = keras_mra.compare(data, **settings)
    both = [(BASE, 0), ("MixUp", 0), (BASE, 1), ("MixUp", 1)]
    assert trained == [*both[:3], "killed", both[3]]
    assert [len(runs) for runs in found.runs.values()] == [2, 2]


def test_runs_of_a_seed_repeat(data, tmp_path, compared):
    found, _ = compared
    again = keras_mra.compare(
        data, arms=["MixUp"], out=tmp_path, **{**SMALL, "seeds": 1}
    )
    for arm in (BASE, "MixUp"):
        one, other = found.runs[arm][0], again.runs[arm][0]
        np.testing.assert_allclose(one["curve"]["loss"], other["curve"]["loss"], 1e-4)


@pytest.mark.parametrize("arm", NAMES)
def test_every_arm_changes_images_and_keeps_labels_a_mixture(arm, mra):
    images, labels = coloured(8)
    batch = {
        "images": images.astype("float32"),
        "labels": np.eye(4, dtype="float32")[labels],
    }
    found = batch
    for layer in layers_of(arm, mra, (0, 255), 0):
        found = layer(found, training=True)
    pixels = keras.ops.convert_to_numpy(found["images"])
    assert pixels.shape == images.shape and (pixels != images).any()
    mixed = keras.ops.convert_to_numpy(found["labels"])
    np.testing.assert_allclose(mixed.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("arm", [*NAMES, "CutMix+RandAugment+MRA"])
def test_the_line_of_python_makes_the_layer(arm, mra):
    code = code_of(arm, "mae_nano_photos_32", mra)
    made = eval(code, {"keras": keras, "keras_mra": keras_mra})
    if "+" in arm:  # MRA comes first, and blends last, whatever the name's order.
        kinds = [type(layer).__name__ for layer in made.layers]
        assert kinds == ["MaskReconstruct", "RandAugment", "CutMix"]
        return
    (expected,) = layers_of(arm, mra, (0, 255), 0)
    assert type(made) is type(expected)
    for name in ("mask_ratio", "strategy", "rate", "resize"):
        assert getattr(made, name, None) == getattr(expected, name, None)


def test_the_line_of_python_names_the_range_of_the_images(mra):
    assert code_of("RandAugment", "a", mra) == "keras_mra.layers.RandAugment()"
    mae = keras_mra.MAE((8, 8, 3), 4, value_range=(0, 1), **TINY)
    code = code_of("RandAugment", "a", MRASettings(mae, 0.4, 0.5))
    assert code == "keras_mra.layers.RandAugment(value_range=(0.0, 1.0))"


@pytest.mark.once
def test_a_chain_has_one_name():
    given = ["RandAugment+AttentiveCutout+MRA", "MRA+MRA", "MRA", "MixUp+AugMix"]
    expected = ["MRA+AttentiveCutout+RandAugment", "MRA", "AugMix+MixUp"]
    assert check_arms(given) == expected


@pytest.mark.once
@pytest.mark.parametrize("arms", ["MRA", [], ["MRA", "blur"], ["MRA+"]])
def test_bad_arms(arms):
    with pytest.raises(ValueError, match="`arms` must be"):
        check_arms(arms)


def test_an_autoencoder_is_pretrained_on_the_training_images(
    data, tmp_path, monkeypatch, mra
):
    from keras_mra.comparison import find_autoencoder as module

    seen = []

    def pretrain(images, preset, **settings):
        seen.append((len(images), preset, settings["effort"]))
        return keras_mra.MAE.from_preset(settings["attention_teacher"])

    monkeypatch.setattr(module, "pretrain_mae", pretrain)
    settings = {**SMALL, "arms": ["MRA"], "epochs": 1, "seeds": 1, "out": tmp_path}
    found = keras_mra.compare(data, pretrain="quick", **settings)
    keras_mra.compare(data, pretrain="quick", **settings)  # It is kept.
    assert seen == [(96, "mae_nano", "quick")]
    assert f"from_preset('{tmp_path / 'autoencoder'}')" in code_of(
        "MRA", str(tmp_path / "autoencoder"), mra
    )
    assert found.plan["epochs"] == 1
