"""The encoders of MSA's experiments: what trains them, and that they are kept."""

import keras
import numpy as np
import pytest
from helpers.models import TINY
from keras import ops
from study import encoders
from study import protocols
from study.runs import Runs
from study.splits import Splits

from keras_mra import datasets
from keras_mra.evaluation import FeatureExtractor
from keras_mra.evaluation import linear_probe
from keras_mra.models import MAE

SHAPE = (8, 8, 3)
pytestmark = pytest.mark.usefixtures("quick_compilation")


class TinyStudy:
    """What `encoders` asks of a `Study`, on given data."""

    def __init__(self, data, folder, **changed):
        quick = {**encoders.SETTINGS, **encoders.QUICK, "batch_size": 16}
        self.settings = {**quick, "patch_size": 4, **changed}
        self.data = data
        self.runs = Runs(folder, {"data": data.name})
        self.args = type("args", (), {**self.settings, "seeds": [0]})


def coloured(count, classes=4, seed=0):
    """Noise, and in one channel of three, or in none, light: the class."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % classes).astype("int32")
    images = rng.integers(0, 100, (count, *SHAPE))
    for channel in range(3):
        images[labels == channel, :, :, channel] += 120
    return images.astype("uint8"), labels


def splits(train=64, test=48, classes=4):
    return Splits(
        datasets.ArrayDataset(*coloured(train, classes), batch_size=16),
        datasets.ArrayDataset(
            *coloured(test, classes, 1), 16, shuffle=False, drop_last=False
        ),
        tuple("abcd"[:classes]),
        SHAPE,
        "coloured",
        "others",
    )


@pytest.fixture
def study(tmp_path):
    return TinyStudy(splits(), tmp_path)


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
    study = TinyStudy(splits(), tmp_path, epochs=12, supervised_learning_rate=2e-2)
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
        encoders.trained(study, "supervised", 0, data=splits(classes=2))


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
        (name, seed, SHAPE) for name in ("random", "supervised") for seed in (0, 1)
    ]
    encoders.compare(study, "depth of", judge, of="something else")
    assert len(asked) == 8


def test_an_unknown_encoder_is_named(study):
    with pytest.raises(ValueError, match="one of MAE, MSA, .*Received: 'DINO'"):
        encoders.trained(study, "DINO", 0)


@pytest.mark.parametrize(
    "shape, patch",
    [
        ((28, 28, 1), 7),
        ((8, 8, 1), 2),
        ((32, 32, 3), 8),
        ((64, 96, 3), 16),
        ((224, 224, 3), 16),
        ((30, 45, 3), 5),
        ((17, 17, 3), 1),
    ],
)
def test_the_patch_fits(shape, patch):
    assert encoders.fitting_patch(shape) == patch


def test_a_size_that_no_patch_divides_is_refused():
    with pytest.raises(ValueError, match="`--patch-size` must be given.*97x97"):
        encoders.fitting_patch((97, 97, 3))


def test_an_encoder_sees_larger_images(rng):
    mae = MAE(image_shape=(8, 8, 1), patch_size=4, **TINY)
    large = encoders.resized(mae, (8, 16, 1))
    assert large.image_shape == (8, 16, 1) and large.grid == (2, 4)
    assert same(mae, large)
    images = rng.integers(0, 256, (2, 8, 16, 1)).astype("uint8")
    tokens = ops.convert_to_numpy(large.embed(images)).reshape(2, 2, 4, -1)
    left = ops.convert_to_numpy(mae.embed(images[:, :, :8])).reshape(2, 2, 2, -1)
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


# --- the protocols -------------------------------------------------------------------


def flat(images):
    return images.reshape(len(images), -1) / 255


def test_protocols_measure_what_each_measures_alone():
    data = splits(train=200, test=96)
    found = protocols.protocols(flat, flat, data, splits(test=40, classes=2))
    assert set(found["clean"]) == {
        "linear probe, both", "kNN, k = 1", "kNN, k = 5", "kNN, k = 20",
        "10 labels per class", "50 labels per class", "2-way 1-shot", "2-way 5-shot",
    }  # fmt: skip
    assert {"shift", "border"} <= set(found["changed"]) and "clean" not in found[
        "changed"
    ]
    train, test = datasets.in_memory(data.train), datasets.in_memory(data.test)
    alone = linear_probe(flat, train, test).accuracy
    assert found["clean"]["linear probe, both"] == alone > 0.9
    (few,) = (p for p in found["protocols"] if p["protocol"] == "few_shot")
    assert (few["ways"], few["queries"]) == (2, 15)


def test_protocols_leave_out_what_there_are_too_few_images_for():
    data = splits(train=16, test=16)
    found = protocols.protocols(flat, flat, data, splits(test=14, classes=2))
    assert set(found["clean"]) == {
        "linear probe, both", "kNN, k = 1", "kNN, k = 5", "2-way 1-shot", "2-way 5-shot"
    }  # fmt: skip
    (few,) = (p for p in found["protocols"] if p["protocol"] == "few_shot")
    assert few["queries"] == 2
    found = protocols.protocols(flat, None, data, None)
    assert not any("shot" in name for name in found["clean"])


def test_features_are_those_of_all_images_in_order():
    mae = MAE(image_shape=SHAPE, patch_size=4, **TINY)
    extract = FeatureExtractor(mae, batch_size=32)
    dataset = datasets.ArrayDataset(*coloured(70), batch_size=64)
    found, labels = protocols.features(extract, dataset)
    np.testing.assert_array_equal(labels, dataset.labels)
    np.testing.assert_allclose(found, extract(dataset.images), atol=1e-5)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
