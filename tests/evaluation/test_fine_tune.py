"""Fine-tuning: its optimizer by hand, its classifier, what it leaves alone."""

import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import TINY
from helpers.models import randomize

import keras_mra
from keras_mra import datasets
from keras_mra import evaluation
from keras_mra.evaluation.classifier import build_classifier
from keras_mra.optimizers import LayerwiseAdamW
from keras_mra.optimizers import rate_scales

pytestmark = pytest.mark.usefixtures("quick_compilation")

SHAPE = (8, 8, 1)


# --- the optimizer -------------------------------------------------------------------


def adamw(weights, gradients, scales, decays, lr, wd, b1, b2, eps):
    """Steps of AdamW, each variable at its own rate, in float64."""
    weights = [w.astype("float64") for w in weights]
    m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for step, gradient in enumerate(gradients, start=1):
        for i, g in enumerate(gradient(weights)):
            rate = lr * scales[i]
            m[i] = b1 * m[i] + (1 - b1) * g
            v[i] = b2 * v[i] + (1 - b2) * g**2
            mean, square = m[i] / (1 - b1**step), v[i] / (1 - b2**step)
            kept = weights[i] * (1 - rate * wd * decays[i])
            # Keras adds epsilon before it corrects the second moment.
            weights[i] = kept - rate * mean / (
                np.sqrt(square) + eps / np.sqrt(1 - b2**step)
            )
    return weights


@pytest.fixture
def regression(rng):
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))

    def gradients(weights):
        first, bias, second = weights
        hidden = x @ first + bias
        error = 2 * (hidden @ second - y) / y.size
        back = error @ second.T
        return x.T @ back, back.sum(axis=0), hidden.T @ error

    return x, y, gradients


def two_layers(**arguments):
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, bias_initializer="ones"),
            keras.layers.Dense(2, use_bias=False),
        ]
    )
    optimizer = LayerwiseAdamW(
        [0.3, 0.5, 1.0], learning_rate=0.05, weight_decay=0.2, **arguments
    )
    model.compile(optimizer, "mse", **QUICK)
    return model


@pytest.mark.graph
def test_steps_are_those_computed_by_hand(regression, tmp_path):
    x, y, gradients = regression
    model = two_layers(beta_2=0.9)
    start = model.get_weights()
    constants = dict(lr=0.05, wd=0.2, b1=0.9, b2=0.9, eps=1e-7)
    model.fit(x, y, batch_size=8, verbose=0)
    by_hand = (start, [gradients], (0.3, 0.5, 1.0), (1, 0, 1))
    for found, wanted in zip(model.get_weights(), adamw(*by_hand, **constants)):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    # Saved and loaded, it goes on: scales, decay and moments.
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    by_hand = (start, [gradients] * 3, (0.3, 0.5, 1.0), (1, 0, 1))
    for found, wanted in zip(model.get_weights(), adamw(*by_hand, **constants)):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_accumulated_gradients_make_one_step(regression):
    x, y, _ = regression
    whole, halves = two_layers(), two_layers(gradient_accumulation_steps=2)
    halves.set_weights(whole.get_weights())
    whole.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    halves.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for one, other in zip(whole.get_weights(), halves.get_weights()):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_bad_optimizer_arguments_are_named():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="`rate_scales`.*1 for 2 variables"):
        LayerwiseAdamW([1.0]).build(model.trainable_variables)
    with pytest.raises(ValueError, match="`use_ema` must be False"):
        LayerwiseAdamW([1.0, 1.0], use_ema=True)


# --- the classifier ------------------------------------------------------------------


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE(SHAPE, 4, **TINY))


@pytest.fixture(scope="module")
def data():
    """Classes 3 and 8: bright above, or bright below."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=160)
    images = rng.integers(0, 150, (160, *SHAPE), dtype="uint8")
    for image, label in zip(images, labels):
        image[4 * label : 4 * label + 4] += 80
    labels = np.where(labels, 8, 3)
    return (images[:96], labels[:96]), (images[96:], labels[96:])


def test_the_classifier_starts_from_the_encoders_features(mae, data):
    (images, _), _ = data
    for pool in ("cls", "mean", "cls+mean"):
        classifier, _ = build_classifier(mae, SHAPE, 5, pool)
        head = classifier.get_layer("head")
        probabilities = classifier.predict(images, verbose=0)
        np.testing.assert_allclose(probabilities, 0.2, atol=1e-6)
        features = evaluation.features(mae, images, pool)
        found = keras.Model(classifier.inputs, head.input).predict(images, verbose=0)
        np.testing.assert_allclose(found, features, atol=1e-4)


def test_rates_decay_from_the_head_to_the_pixels(mae):
    classifier, levels = build_classifier(mae, SHAPE, 2, "cls")
    variables = classifier.trainable_variables
    assert len(variables) == len(mae.encoder.trainable_variables) + 2
    scales = rate_scales(levels, 0.5, variables)
    by_layer = {
        layer.name: {
            scale
            for scale, variable in zip(scales, variables)
            if any(variable is own for own in layer.trainable_variables)
        }
        for layer in classifier.layers
        if layer.trainable_variables
    }
    assert by_layer == {
        "patch_embedding": {0.125},
        "class_token": {0.125},
        "block_0": {0.25},
        "block_1": {0.5},
        "norm": {1.0},
        "head": {1.0},
    }


def backbone():
    inner = keras.Sequential(
        [
            keras.layers.Conv2D(4, 3, strides=2, data_format="channels_last"),
            keras.layers.BatchNormalization(),
        ],
        name="inner",
    )
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Rescaling(1 / 255),
            inner,
            keras.layers.Reshape((9, 4)),
            keras.layers.Dense(6),
        ]
    )


def test_another_models_levels_are_its_layers(data):
    (images, _), _ = data
    model = backbone()
    model.trainable = False
    classifier, levels = build_classifier(model, SHAPE, 2, "cls")
    assert len(classifier.trainable_variables) == 2 + 2 + 2 + 2
    scales = rate_scales(levels, 0.1, classifier.trainable_variables)
    np.testing.assert_allclose(scales, np.repeat([1e-3, 1e-2, 1e-1, 1], 2))
    features = keras.Model(classifier.inputs, classifier.get_layer("head").input)
    np.testing.assert_allclose(
        features.predict(images, verbose=0),
        model.predict(images, verbose=0).mean(axis=1),
        atol=1e-5,
    )


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


# --- bad input -----------------------------------------------------------------------


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
