"""Fine-tuning: what it learns, what it reads, and what it leaves unchanged."""

import keras
import numpy as np
import pytest
from helpers.bright_halves import SHAPE
from helpers.bright_halves import bright_halves
from helpers.models import TINY
from helpers.models import randomize

import keras_mra
from keras_mra import datasets
from keras_mra import evaluation
from keras_mra.optimizers import LayerwiseAdamW

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE(SHAPE, 4, **TINY))


@pytest.fixture(scope="module")
def data():
    return bright_halves()


@pytest.mark.graph
def test_fine_tunes_an_mae(data, tmp_path):
    train, test = data
    mae = keras_mra.MAE(SHAPE, 4, **TINY)
    before = mae.get_weights()
    result, classifier = evaluation.fine_tune(
        mae, train, test, epochs=12, batch_size=32, learning_rate=0.1, verbose=0
    )
    probabilities = classifier.predict(test[0], verbose=0)
    answers = np.array(result.classes)[probabilities.argmax(axis=1)]
    assert result.classes == (3, 8)
    np.testing.assert_allclose(result.accuracy, (answers == test[1]).mean(), atol=1e-6)
    right = probabilities[np.arange(64), (test[1] == 8).astype(int)]
    np.testing.assert_allclose(result.loss, -np.log(right).mean(), rtol=1e-4)
    assert result.accuracy > 0.9 and result.layer_decay == 0.75
    assert len(result.history["loss"]) == result.to_dict()["epochs"] == 12
    # The caller's encoder is not changed; every part of the copy is.
    for old, new in zip(before, mae.get_weights()):
        np.testing.assert_array_equal(old, new)
    tuned = classifier.trainable_variables[:-2]  # without the head
    for old, new in zip(mae.encoder.trainable_variables, tuned, strict=True):
        assert old.path.split("/")[-2:] == new.path.split("/")[-2:]
        if "key/bias" not in old.path:  # which the softmax does not see
            assert np.abs(keras.ops.convert_to_numpy(new - old)).max() > 1e-4

    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    np.testing.assert_allclose(
        loaded.predict(test[0], verbose=0), probabilities, atol=1e-5
    )
    assert isinstance(loaded.optimizer, LayerwiseAdamW)
    assert loaded.optimizer.rate_scales == classifier.optimizer.rate_scales
    assert len(loaded.trainable_variables) == len(classifier.trainable_variables)
    loaded.fit(train[0], (train[1] == 8).astype(int), verbose=0)


def small():
    return keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
    )


def test_the_seed_decides(data):
    train, test = data

    def run(model, seed):
        result, _ = evaluation.fine_tune(
            model, train, test, epochs=2, batch_size=32, verbose=0, seed=seed
        )
        return result

    model = small()
    first = run(model, 0)
    assert first.layer_decay == 1 and first.loss < np.log(2)
    assert run(model, 0).history == first.history != run(model, 1).history


def test_images_are_read_as_they_are_needed(data):
    (images, labels), test = data
    read = []

    class Stream(datasets.EpochDataset):
        def batch(self, indices):
            read.append(len(indices))
            return images[indices], labels[indices]

        def all_labels(self):
            return labels

    stream = Stream(96, 8, shuffle=True, seed=5, drop_last=True)
    settings = dict(epochs=2, batch_size=32, verbose=0, seed=0)
    found, _ = evaluation.fine_tune(small(), stream, test, **settings)
    assert max(read) == 32 and sum(read) >= 2 * 96
    wanted, _ = evaluation.fine_tune(small(), (images, labels), test, **settings)
    assert found == wanted
    # As judges, too, where the last batch is not full.
    judges = datasets.Subset(stream, np.arange(50), 7)
    found, _ = evaluation.fine_tune(small(), stream, judges, **settings)
    wanted, _ = evaluation.fine_tune(
        small(), stream, (images[:50], labels[:50]), **settings
    )
    assert found == wanted and found.test_images == 50
    unlabelled = datasets.ArrayDataset(images)
    with pytest.raises(ValueError, match="ArrayDataset has no labels"):
        evaluation.fine_tune(small(), unlabelled, test, **settings)


def test_augmentation_is_a_part_of_the_classifier_and_callbacks_are_called(data):
    train, test = data
    augmentation = keras_mra.layers.RandomResizedCrop(seed=0)
    seen = []
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda *args: seen.append(args))
    _, classifier = evaluation.fine_tune(
        small(),
        train,
        test,
        epochs=1,
        batch_size=500,
        augmentation=augmentation,
        callbacks=[spy],
        verbose=0,
    )
    assert augmentation in classifier.layers and len(seen) == 1
    assert classifier.layers.index(augmentation) == 1
    stripped = keras_mra.strip_augmentation(classifier)
    np.testing.assert_allclose(
        stripped.predict(test[0], verbose=0),
        classifier.predict(test[0], verbose=0),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"encoder": lambda images: images}, "`encoder` must be an MAE.*function"),
        ({"encoder": keras.layers.Flatten()}, "`encoder` must be an MAE.*Flatten"),
        ({"train": np.ones((8, 5))}, "`train` must have rank 4"),
        ({"test": np.ones((8, 4, 8, 1))}, "`test` must have shape.*height is 4"),
        ({"train": 256 * np.ones((8, *SHAPE))}, "`train` must lie in.*value_range"),
        ({"pool": "max"}, "`pool` must be one of"),
        ({"epochs": 0}, "`epochs` must be"),
        ({"batch_size": 0}, "`batch_size` must be"),
        ({"learning_rate": 0}, "`learning_rate` must be"),
        ({"layer_decay": 1.5}, r"`layer_decay` must be in \[0, 1\]"),
        ({"weight_decay": -0.1}, "`weight_decay` must be"),
        ({"warmup_epochs": -1}, "`warmup_epochs` must be"),
        ({"seed": None}, "`seed` must be"),
    ],
)
def test_bad_arguments_are_named(mae, arguments, message):
    images, labels = np.ones((8, *SHAPE)), np.arange(8) % 2
    arguments = {"encoder": mae, "train": images, "test": images, **arguments}
    train, test = ((arguments.pop(name), labels) for name in ("train", "test"))
    with pytest.raises(ValueError, match=message):
        evaluation.fine_tune(train=train, test=test, **arguments)


def test_an_encoder_of_another_rank_is_named(data):
    train, test = data
    maps = keras.Sequential([keras.Input(SHAPE), keras.layers.Rescaling(1 / 255)])
    with pytest.raises(ValueError, match=r"`encoder` must return.*None, 8, 8, 1"):
        evaluation.fine_tune(maps, train, test)


def test_divergence_is_named(data):
    (images, labels), test = data
    model = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Rescaling(np.inf)]
    )
    with pytest.raises(FloatingPointError, match="loss.*nan.*learning_rate=0.001"):
        evaluation.fine_tune(model, (images, labels), test, epochs=1, verbose=0)
