"""The encoders of MSA's experiments: what trains them, and that they are kept."""

import numpy as np
import pytest
from helpers.models import TINY
from helpers.small_study import SHAPE
from helpers.small_study import coloured_splits
from keras import ops
from study import encoders
from study.runs import Runs

from keras_mra import datasets
from keras_mra.evaluation import FeatureExtractor
from keras_mra.models import MAE

pytestmark = pytest.mark.usefixtures("quick_compilation")


class TinyStudy:
    """What `encoders` asks of a `Study`, on given data."""

    def __init__(self, data, folder, **changed):
        quick = {**encoders.SETTINGS, **encoders.QUICK, "batch_size": 16}
        self.settings = {**quick, "patch_size": 4, **changed}
        self.data = data
        self.runs = Runs(folder, {"data": data.name})
        self.args = type("args", (), {**self.settings, "seeds": [0]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the tests of this module share the encoders that they have trained."""
    return tmp_path_factory.mktemp("encoders")


@pytest.fixture
def study(folder):
    return TinyStudy(coloured_splits(), folder)


def weights(mae):
    return [np.array(w) for w in mae.encoder.get_weights()]


def same(one, other):
    return all((a == b).all() for a, b in zip(weights(one), weights(other)))


def test_all_encoders_begin_as_the_random_one_and_differ_afterwards(study):
    found = {name: encoders.trained(study, name, 0) for name in encoders.ENCODERS}
    start = MAE.from_preset(
        "mae_nano", image_shape=SHAPE, patch_size=4, encoder_depth=1,
        decoder_depth=1, seed=0,
    )  # fmt: skip
    assert same(found["random"][0], start)
    assert not same(encoders.trained(study, "random", 1)[0], start)
    for name in ("MAE", "MSA", "supervised"):
        mae, result = found[name]
        assert not any(
            (a == b).all()
            for a, b in zip(weights(mae), weights(start))
            if a.ndim > 1 and len(a) > 1
        )
        metric = "cross_entropy" if name == "supervised" else "pixel_loss"
        assert set(result["curve"]) == {metric, "seconds"}
        assert len(result["curve"][metric]) == 2  # epochs
    assert found["random"][1]["curve"] == {}


def test_labels_are_learnt_and_the_weights_come_back(tmp_path):
    study = TinyStudy(
        coloured_splits(), tmp_path, epochs=12, supervised_learning_rate=2e-2
    )
    mae, result = encoders.trained(study, "supervised", 0)
    losses = result["curve"]["cross_entropy"]
    # All classes are equally likely at first: log 4.
    assert losses[0] < 1.5 and losses[-1] < 0.7 * losses[0]
    random, _ = encoders.trained(study, "random", 0)
    test = datasets.in_memory(study.data.test)

    def spread(encoder):
        """How far the classes are apart, in units of the spread within a class."""
        features, labels = FeatureExtractor(encoder)(test[0]), test[1]
        means = np.stack([features[labels == c].mean(axis=0) for c in range(4)])
        within = np.linalg.norm(features - means[labels], axis=1).mean()
        return np.linalg.norm(means - means.mean(axis=0), axis=1).mean() / within

    assert spread(mae) > 1.5 * spread(random)


def test_what_is_trained_is_kept(study, monkeypatch):
    mae, result = encoders.trained(study, "supervised", 0)
    monkeypatch.setattr(encoders, "_TRAIN", {})  # nothing can be trained anew
    again, found = encoders.trained(study, "supervised", 0)
    assert same(mae, again) and found == result
    with pytest.raises(KeyError):
        encoders.trained(study, "supervised", 1)
    with pytest.raises(KeyError):
        encoders.trained(study, "supervised", 0, epochs=3)
    with pytest.raises(KeyError):
        encoders.trained(study, "supervised", 0, data=coloured_splits(classes=2))


@pytest.mark.parametrize("name", ["MAE", "supervised"])
def test_a_killed_training_goes_on(name, study, tmp_path, monkeypatch):
    whole, result = encoders.trained(study, name, 0)
    killed = TinyStudy(study.data, tmp_path / "killed")
    end = encoders.EpochSeconds.on_epoch_begin

    def kill(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        end(self, epoch, logs)

    monkeypatch.setattr(encoders.EpochSeconds, "on_epoch_begin", kill)
    with pytest.raises(KeyboardInterrupt):
        encoders.trained(killed, name, 0)
    monkeypatch.setattr(encoders.EpochSeconds, "on_epoch_begin", end)
    mae, found = encoders.trained(killed, name, 0)
    assert len(found["curve"]["seconds"]) == 2
    metric = next(iter(result["curve"]))
    np.testing.assert_allclose(
        found["curve"][metric], result["curve"][metric], rtol=1e-5
    )
    for a, b in zip(weights(mae), weights(whole)):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_compare_judges_every_encoder_once(study):
    asked = []

    def judge(mae, name, seed):
        asked.append((name, seed, mae.image_shape))
        return {"depth": mae.encoder_depth}

    study.args.encoders, study.args.seeds = ["random", "supervised"], [0, 1]
    for _ in range(2):
        runs, curves = encoders.compare(study, "depth of", judge, of="blocks")
        assert list(runs) == list(curves) == ["random", "supervised"]
        assert [run["depth"] for run in runs["supervised"]] == [1, 1]
        assert curves["random"] == [{}, {}]
    assert asked == [
        (name, seed, SHAPE) for seed in (0, 1) for name in ("random", "supervised")
    ]
    encoders.compare(study, "depth of", judge, of="something else")
    assert len(asked) == 8


def test_an_unknown_encoder_is_named(study):
    with pytest.raises(ValueError, match="`name` must be one of MAE, MSA, .*'DINO'"):
        encoders.trained(study, "DINO", 0)


def test_an_encoder_sees_larger_images(rng):
    mae = MAE(image_shape=(8, 8, 1), patch_size=4, **TINY)
    large = encoders.resized(mae, (8, 16, 1))
    assert large.image_shape == (8, 16, 1) and large.grid == (2, 4)
    assert same(mae, large)
    images = rng.integers(0, 256, (2, 8, 16, 1)).astype("uint8")

    def embedded(model, images):
        tokens = model.encoder.get_layer("patch_embedding")(model.patchify(images))
        return ops.convert_to_numpy(tokens).reshape(2, *model.grid, -1)

    tokens, left = embedded(large, images), embedded(mae, images[:, :, :8])
    np.testing.assert_allclose(tokens[:, :, :2], left, atol=1e-5)


def test_training_is_drawn_by_its_unit():
    pixels = {"pixel_loss": [2.0, 1.0], "seconds": [1.0, 1.0]}
    labels = {"cross_entropy": [1.5, 0.5], "seconds": [1.0, 1.0]}
    figures = encoders.plot_training(
        {"MAE": [pixels], "MSA": [pixels], "supervised": [labels], "random": [{}]}
    )
    assert list(figures) == ["pixel_loss", "cross_entropy"]
    drawn = {
        name: [line.get_label() for line in figure.axes[0].lines]
        for name, figure in figures.items()
    }
    assert drawn == {"pixel_loss": ["MAE", "MSA"], "cross_entropy": ["supervised"]}
    (line,) = figures["cross_entropy"].axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), [1.5, 0.5])
    assert encoders.plot_training({"random": [{}]}) == {}
