"""What the examples share: splits, runs that are kept, arms, batches, comparisons."""

import json
import warnings

import keras
import numpy as np
import pytest
from keras import ops
from study import arms
from study import augmentations
from study import classifiers
from study import splits
from study.batches import AugmentedBatches
from study.comparison import comparison
from study.runs import Runs
from study.study import Study

import keras_mra
from keras_mra import datasets


def numbered(count=12, classes=3):
    """Images that hold their own number, labelled in turn."""
    images = np.arange(count, dtype="uint8")[:, None, None, None]
    labels = np.arange(count, dtype="int32") % classes
    return datasets.ArrayDataset(
        np.broadcast_to(images, (count, 4, 4, 1)).copy(), labels, batch_size=1
    )


def held(dataset):
    images, labels = datasets.in_memory(dataset)
    return images[:, 0, 0, 0].tolist(), labels.tolist()


def test_draw_is_balanced_and_by_seed():
    drawn = splits.draw(numbered(), per_class=2, seed=0, batch_size=50)
    assert np.bincount(drawn.all_labels()).tolist() == [2, 2, 2]
    assert drawn.batch_size == 6
    assert held(drawn) == held(splits.draw(numbered(), per_class=2, seed=0))
    assert held(drawn) != held(splits.draw(numbered(), per_class=2, seed=1))
    assert sorted(held(splits.draw(numbered(), None))[0]) == list(range(12))


def test_only_numbers_the_classes_anew():
    data = splits.Splits(
        numbered(), numbered(), ("a", "b", "c"), (4, 4, 1), "x", "the test images (12)"
    )
    two = splits.only(data, ["c", "a"])
    images, labels = held(two.test)
    assert images == [0, 2, 3, 5, 6, 8, 9, 11] and labels == [1, 0] * 4
    np.testing.assert_array_equal(two.train.all_labels(), labels)
    assert two.num_classes == 2 and "of c, a (8)" in two.judged_on
    with pytest.raises(ValueError, match="`class_names` must be.*a, b, c.*d"):
        splits.only(data, ["a", "d"])


@pytest.fixture
def folder(tmp_path):
    """Three classes of colour images of many sizes, some of which are broken."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for label, name in enumerate(("blue", "green", "red")):
        (tmp_path / name).mkdir()
        for number in range(10):
            size = rng.integers(10, 30, 2)
            pixels = np.full((*size, 4 if number % 3 else 3), 10 * number, "uint8")
            pixels[..., label] += 100
            image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
        (tmp_path / name / "broken.png").write_bytes(b"no image")
    return f"folder:{tmp_path}"


def test_a_folder_without_splits_is_split_and_what_is_broken_left_out(folder):
    with pytest.warns(UserWarning, match="3 images cannot be read"):
        data = splits.load_splits(folder, image_size=8)
    assert data.class_names == ("blue", "green", "red")
    assert data.image_shape == (8, 8, 3)
    assert (data.train.num_samples, data.test.num_samples) == (24, 6)
    assert "a fifth" in data.judged_on
    for part in (data.train, data.test):
        images, labels = datasets.in_memory(part)
        assert (images.mean(axis=(1, 2)).argmax(axis=1) == labels).all()
    seen = {tuple(image.ravel()) for image in datasets.in_memory(data.train)[0]}
    assert not seen & {tuple(i.ravel()) for i in datasets.in_memory(data.test)[0]}


def test_what_does_not_fit_into_memory_is_decoded_as_needed(folder, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = splits.load_splits(folder, image_size=8)
        monkeypatch.setattr(datasets, "MEMORY", 0)
        streamed = splits.load_splits(folder, image_size=8)
    for a, b in zip(datasets.in_memory(whole.test), datasets.in_memory(streamed.test)):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="images take .* GiB in memory"):
        datasets.in_memory(streamed.train, limit=10)


def test_validation_never_looks_at_the_test_images():
    data = splits.load_splits("digits", validation=True)
    train, test = datasets.load("digits").train[0], datasets.load("digits").test[0]
    assert data.train.num_samples + data.test.num_samples == len(train)
    assert "left out of training" in data.judged_on
    pool = {image.tobytes() for image in train}
    assert all(image.tobytes() in pool for image in datasets.in_memory(data.test)[0])
    assert len(test) != data.test.num_samples


def test_runs_are_computed_once_and_by_what_decides_them(tmp_path):
    calls = []

    def function(folder):
        calls.append(folder)
        return {"error": 0.5}

    runs = Runs(tmp_path, {"data": "x"})
    first = runs("none", {"seed": 0}, function)
    assert first["error"] == 0.5 and first["seconds"] >= 0
    assert Runs(tmp_path, {"data": "x"})("none", {"seed": 0}, function) == first
    assert len(calls) == 1
    runs("none", {"seed": 1}, function)
    Runs(tmp_path, {"data": "y"})("none", {"seed": 0}, function)
    assert len(set(calls)) == 3

    def killed(folder):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs("none", {"seed": 2}, killed)
    assert runs("none", {"seed": 2}, function)["error"] == 0.5


def test_comparison_pairs_the_seeds():
    found = {
        "none": [{"clean": 0.2, 4: 0.5}, {"clean": 0.3, 4: 0.7}],
        "MRA": [{"clean": 0.1, 4: 0.5}, {"clean": 0.2, 4: 0.6}],
    }
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in comparison(found, "none").splitlines()
    ]
    assert lines[0] == ["%", "clean", "4"]
    assert lines[2] == ["none", "25.00 ± 7.07", "60.00 ± 14.14"]
    assert lines[3] == ["MRA", "15.00 ± 7.07", "55.00 ± 7.07"]
    assert lines[4] == ["MRA − none", "-10.00 ± 0.00", "-5.00 ± 7.07"]
    assert len(comparison(found).splitlines()) == 4
    pixels = comparison(found, "none", unit="pixels").splitlines()
    assert "pixels" in pixels[0] and "0.250 ± 0.071" in pixels[2]
    assert "-0.100 ± 0.000" in pixels[4]


def test_the_names_of_arms():
    assert augmentations.parts("none") == []
    assert set(augmentations.parts("flip+crop+MRA")) == {"flip+crop", "MRA"}
    assert augmentations.parts("MRA low attention") == ["MRA low attention"]
    for bad in ("", "MRA+", "blur", "MRA+blur"):
        with pytest.raises(ValueError, match="An arm must be"):
            augmentations.parts(bad)
    with pytest.raises(ValueError, match="`mae` must be given"):
        augmentations.augmentation("MRA", (8, 8, 1), (0, 255))


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE(
        (8, 8, 1), 2, encoder_dim=8, encoder_depth=1, encoder_heads=2,
        decoder_dim=8, decoder_depth=1, decoder_heads=2, mask_ratio=0.5,
    )  # fmt: skip


def batches(name, mae=None, count=8, **arguments):
    """One augmented batch of random images, those images, and their labels."""
    rng = np.random.default_rng(0)
    images = rng.integers(1, 256, (count, 8, 8, 1)).astype("uint8")
    labels = np.arange(count, dtype="int32") % 3
    dataset = datasets.ArrayDataset(images, labels, batch_size=count, shuffle=False)
    layers = augmentations.augmentation(name, (8, 8, 1), (0, 255), mae, **arguments)
    return AugmentedBatches(dataset, layers, 3, (0, 255)), images, labels


@pytest.mark.parametrize("name", augmentations.ORDER)
def test_each_augmentation_changes_images_and_draws_anew(name, mae):
    found, images, labels = batches(name, mae, tail=[0, 2], rate=1.0, temperature=1.0)
    first, hot = found[0]
    assert first.shape == images.shape and first.dtype == "float32"
    assert first.min() >= 0 and first.max() <= 255
    assert (first != images).any()
    assert (found[0][0] != first).any()
    np.testing.assert_allclose(hot.sum(axis=1), 1, atol=1e-6)
    if name in ("MixUp", "CutMix"):
        assert ((hot > 0).sum(axis=1) > 1).any()
    else:
        np.testing.assert_array_equal(hot.argmax(axis=1), labels)
        np.testing.assert_array_equal(hot.max(axis=1), 1)


def test_none_leaves_the_images():
    found, images, labels = batches("none")
    np.testing.assert_array_equal(found[0][0], images)
    np.testing.assert_array_equal(found[0][1].argmax(axis=1), labels)


def test_the_tail_alone_is_augmented(mae):
    found, images, labels = batches("MRA tail", mae, tail=[2], rate=1.0)
    changed = (found[0][0] != images).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, labels == 2)


def test_on_classes_can_be_saved():
    layer = augmentations.OnClasses(keras.layers.Rescaling(2.0), [1])
    copy = augmentations.OnClasses.from_config(layer.get_config())
    inputs = {"images": np.ones((2, 2, 2, 1), "float32"), "labels": np.eye(2)}
    out = ops.convert_to_numpy(copy(inputs)["images"])
    np.testing.assert_array_equal(out[:, 0, 0, 0], [1, 2])


def test_networks_start_from_their_seed():
    def weights(seed):
        return classifiers.build_network("small_cnn", (8, 8, 1), 3, (0, 255), seed)

    np.testing.assert_array_equal(
        weights(0).get_weights()[0], weights(0).get_weights()[0]
    )
    assert (weights(0).get_weights()[0] != weights(1).get_weights()[0]).any()
    with pytest.raises(ValueError, match="`network` must be.*NoNet"):
        classifiers.build_network("NoNet", (8, 8, 1), 3, (0, 255), 0)


def study(tmp_path, *options, **settings):
    return Study(
        "A title.\n\nMore.",
        {"arms": ["none", "flip+crop"], **arms.SETTINGS, **settings},
        dict(arms.QUICK, epochs=3),
        ["--data", "digits", "--quick", "--work", str(tmp_path / "work"),
         "--out", str(tmp_path / "out"), *options],
    )  # fmt: skip


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


def test_a_study_from_options_to_report(tmp_path):
    this = study(tmp_path, "--seeds", "3", "4", "--learning-rate", "0.002")
    assert this.args.seeds == [3, 4] and this.settings["epochs"] == 3
    runs, curves = arms.compare(this, "quarter of", lambda _: {"parameters": 0.25})
    assert runs["none"] == [{"parameters": 0.25}] * 2
    curve = curves["flip+crop"][0]
    assert curve["epoch"] == [1, 2, 3] and len(curve["error"]) == 3
    assert curve["loss"][-1] < curve["loss"][0]
    from matplotlib.figure import Figure

    record = this.record(runs=runs)
    this.write(record, {"## Table": comparison(runs)}, {"": Figure(), "b": Figure()})
    (report,) = (tmp_path / "out").glob("*.md")
    text = report.read_text()
    assert text.startswith("# A title\n") and "## Table" in text
    assert "learning_rate" in text and "0.002" in text
    saved = json.loads(report.with_suffix(".json").read_text())
    assert saved["seeds"] == [3, 4] and saved["machine"]["packages"]["keras"]
    assert "--learning-rate 0.002" in saved["command"]
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


def test_a_trained_classifier_is_found_again(tmp_path, monkeypatch):
    network, result = arms.trained(study(tmp_path), "none", 0)
    monkeypatch.setattr(
        classifiers, "train_classifier", lambda *_, **__: pytest.fail("trained again")
    )
    again, same = arms.trained(study(tmp_path), "none", 0)
    assert same == result
    for a, b in zip(network.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(a, b)
    # MRA's settings decide nothing where there is no MRA.
    arms.trained(study(tmp_path, "--mask-ratio", "0.6"), "none", 0)


def test_a_judgement_is_kept_by_what_decides_it(tmp_path):
    judged = []

    def judge(network):
        judged.append(network)
        return {"border": {2: 0.5}}

    for options in ([], [], ["--seeds", "0", "1"]):
        this = study(tmp_path, "--arms", "none", *options)
        runs, _ = arms.compare(this, "occlusion of", judge, widths=[2])
    # Of seed 0 once, and as it is kept: JSON has strings for keys.
    assert len(judged) == 2 and runs == {"none": [{"border": {"2": 0.5}}] * 2}
    arms.compare(this, "occlusion of", judge, widths=[2, 4])
    assert len(judged) == 4


def test_predictions_in_order_and_changed(tmp_path):
    this = study(tmp_path)
    images, true = datasets.in_memory(this.data.test)

    class Brightness:
        def predict_on_batch(self, images):
            return np.eye(256)[images.max(axis=(1, 2, 3)).astype(int)]

    predicted, labels = classifiers.predictions(Brightness(), this.data.test)
    np.testing.assert_array_equal(predicted, images.max(axis=(1, 2, 3)))
    np.testing.assert_array_equal(labels, true)
    changed, _ = classifiers.predictions(Brightness(), this.data.test, lambda x: x // 2)
    np.testing.assert_array_equal(changed, images.max(axis=(1, 2, 3)) // 2)
