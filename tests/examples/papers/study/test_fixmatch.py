"""FixMatch against NumPy on given probabilities, and trained on the digits."""

import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import TINY
from keras import ops
from study.fixmatch import FixMatch
from study.paired_batches import PairedBatches

import keras_mra
from keras_mra.classifiers.networks.small_cnn import small_cnn

pytestmark = pytest.mark.usefixtures("quick_compilation")

SHAPE = (8, 8, 1)
to_numpy = ops.convert_to_numpy


def network(seed=0):
    return small_cnn(SHAPE, 10, (0, 255), seed=seed)


def identity(**kwargs):
    views = keras.layers.Identity(), keras.layers.Identity()
    return FixMatch(network(), *views, **kwargs)


@pytest.fixture(scope="module")
def digits():
    return keras_mra.datasets.load("digits")


def probabilities(rng, count, sharpness=4):
    scores = np.exp(sharpness * rng.normal(size=(count, 10)))
    return (scores / scores.sum(axis=1, keepdims=True)).astype("float32")


# --- the loss ------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.0, 0.9, 1.0])
def test_the_loss_is_the_papers(rng, threshold):
    model = identity(threshold=threshold, unlabelled_weight=0.7)
    labelled, weak, strong = (probabilities(rng, n) for n in (6, 40, 40))
    weak[0] = np.eye(10)[3]  # reaches every threshold
    labels = rng.integers(10, size=6)
    out = {"labelled": labelled, "weak": weak, "strong": strong}
    out = {name: ops.convert_to_tensor(value) for name, value in out.items()}
    loss = model.compute_loss(None, ops.convert_to_tensor(labels), out)

    supervised = np.mean([-np.log(p[label]) for p, label in zip(labelled, labels)])
    terms, sure = [], 0
    for of_weak, of_strong in zip(weak, strong):
        if of_weak.max() >= threshold:
            sure += 1
            terms.append(-np.log(of_strong[of_weak.argmax()]))
    unlabelled = sum(terms) / 40
    assert float(loss) == pytest.approx(supervised + 0.7 * unlabelled, rel=1e-5)
    found = {m.name: float(m.result()) for m in model.metrics}
    assert found["supervised_loss"] == pytest.approx(supervised, rel=1e-5)
    assert found["unlabelled_loss"] == pytest.approx(unlabelled, rel=1e-5)
    assert found["mask_rate"] == pytest.approx(sure / 40)
    assert {0.0: sure == 40, 0.9: 1 < sure < 40, 1.0: sure == 1}[threshold]


def test_sample_weights_weigh_the_labelled_images(rng):
    model = identity()
    labelled, labels = probabilities(rng, 4), np.array([1, 2, 3, 4])
    weights = np.array([0.0, 1.0, 2.0, 0.5], "float32")
    loss = model.compute_loss(
        None, labels, ops.convert_to_tensor(labelled), weights, training=False
    )
    expected = np.mean(-np.log(labelled[np.arange(4), labels]) * weights)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_the_strong_view_learns_and_the_weak_one_does_not():
    """One step, by plain gradient descent, is that of the strong view's loss alone."""

    class Darker(keras.layers.Layer):
        def call(self, x):
            return x * 0.5

    images = np.random.default_rng(0).uniform(0, 255, (12, *SHAPE)).astype("float32")
    labelled, labels = images[:4], np.array([0, 1, 2, 3])
    model = FixMatch(network(), keras.layers.Identity(), Darker(), threshold=0.0)
    # The same step, labels of the weak view given from outside.
    given = model.network.predict(images[4:], verbose=0).argmax(axis=1)
    by_hand = network()
    by_hand.compile(
        keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", **QUICK
    )
    by_hand.fit(
        np.concatenate([labelled, images[4:] * 0.5]),
        np.concatenate([labels, given]),
        # Means over 4 and over 8 images, with weight 1 each, beside one over 12.
        sample_weight=np.repeat([12 / 4, 12 / 8], [4, 8]),
        batch_size=12,
        shuffle=False,
        verbose=0,
    )
    model.compile(keras.optimizers.SGD(0.1), **QUICK)
    before = model.get_weights()
    model.train_on_batch({"labelled": labelled, "unlabelled": images[4:]}, labels)
    for found, wanted, start in zip(
        model.network.get_weights(), by_hand.get_weights(), before
    ):
        np.testing.assert_allclose(found, wanted, atol=2e-5)
        assert np.abs(found - start).max() > 1e-4


def test_regularisation_of_the_network_counts(rng):
    inner = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(2, "softmax", kernel_regularizer="l2"),
        ]
    )
    model = FixMatch(inner, keras.layers.Identity(), keras.layers.Identity())
    x, y = rng.normal(size=(5, 3)).astype("float32"), np.array([0, 1, 0, 1, 1])
    model.compile("sgd", **QUICK)
    loss = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
    kernel = inner.get_weights()[0]
    likelihood = model.predict(x, verbose=0)[np.arange(5), y]
    expected = -np.log(likelihood).mean() + 0.01 * np.square(kernel).sum()
    assert loss == pytest.approx(expected, rel=1e-4)


# --- training ------------------------------------------------------------------------


@pytest.mark.graph
def test_fit_lowers_the_loss_and_logs_its_parts(digits):
    images, labels = (part[:640] for part in digits.train)
    weak = keras.layers.RandomContrast(0.1, data_format="channels_last")
    strong = keras.layers.RandomContrast(0.8, data_format="channels_last")
    model = FixMatch(network(), weak, strong, threshold=0.6)
    model.compile(
        keras.optimizers.Adam(5e-3),
        jit_compile=keras_mra.backend.fastest_jit_compile(steps=40),
    )
    batches = PairedBatches((images[:100], labels[:100]), images, 32, mu=2)
    history = model.fit(
        batches,
        epochs=4,
        shuffle=False,
        verbose=0,
        validation_data=(digits.test[0], digits.test[1]),
    ).history
    parts = {"supervised_loss", "unlabelled_loss", "mask_rate"}
    assert set(history) == parts | {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history["supervised_loss"][-1] < 0.7 * history["supervised_loss"][0]
    assert history["mask_rate"][-1] > history["mask_rate"][0]
    assert history["val_accuracy"][-1] > 0.5
    np.testing.assert_allclose(
        np.array(history["supervised_loss"]) + history["unlabelled_loss"],
        history["loss"],
        rtol=1e-3,
    )


def views():
    mae = keras_mra.MAE(SHAPE, 2, **TINY)
    return (
        keras.layers.RandomContrast(0.1, seed=0, data_format="channels_last"),
        keras_mra.layers.MaskReconstruct(mae, mask_ratio=0.4, seed=0),
    )


def test_predict_and_evaluate_are_the_networks_own(digits):
    images, labels = (part[:40] for part in digits.test)
    view = keras.layers.RandomContrast(0.5, data_format="channels_last")
    model = FixMatch(network(), view, view)
    model.compile("sgd", **QUICK)
    expected = model.network.predict(images, verbose=0)
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-6)
    results = model.evaluate(images, labels, verbose=0, return_dict=True)
    assert set(results) == {"loss", "accuracy"}
    likelihood = expected[np.arange(40), labels]
    assert results["loss"] == pytest.approx(-np.log(likelihood).mean(), rel=1e-4)
    assert results["accuracy"] == pytest.approx(
        (expected.argmax(axis=1) == labels).mean()
    )


def test_views_are_applied_in_training_only(digits):
    images = digits.train[0][:6].astype("float32")

    class Black(keras.layers.Layer):
        def call(self, x):
            return x * 0

    model = FixMatch(network(), keras.layers.Identity(), Black())
    pair = {"labelled": images[:2], "unlabelled": images[2:]}
    plain = to_numpy(model(images))
    for training in (True, False):
        found = {k: to_numpy(v) for k, v in model(pair, training=training).items()}
        np.testing.assert_allclose(found["labelled"], plain[:2], atol=1e-5)
        np.testing.assert_allclose(found["weak"], plain[2:], atol=1e-5)
        strong = to_numpy(model(0 * images[2:])) if training else plain[2:]
        np.testing.assert_allclose(found["strong"], strong, atol=1e-5)


def test_saved_and_loaded_it_goes_on(digits, tmp_path):
    images, labels = (part[:64] for part in digits.train)
    weak, strong = views()
    model = FixMatch(network(), weak, strong, threshold=0.3, unlabelled_weight=0.5)
    trained = len(model.network.trainable_variables)
    assert len(model.trainable_variables) == trained  # not the autoencoder's
    model.compile("adam", **QUICK)
    batches = PairedBatches((images, labels), images, 16, mu=1)
    model.fit(batches, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.threshold, loaded.unlabelled_weight) == (0.3, 0.5)
    np.testing.assert_allclose(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-6
    )
    assert len(loaded.trainable_variables) == trained
    loaded.fit(batches, shuffle=False, verbose=0)


# --- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(threshold=1.5), r"`threshold` must be in \[0, 1\].*1.5"),
        (dict(unlabelled_weight=-1), "`unlabelled_weight` must be.*-1"),
        (dict(weak=None), "`weak` must be a Keras layer.*None"),
        (dict(strong="hard"), "`strong` must be a Keras layer.*'hard'"),
        (dict(network=keras.Sequential()), "`network` must be .* built"),
        (dict(network=lambda x: x), "`network` must be .* built.*function"),
    ],
)
def test_bad_arguments(arguments, message):
    layer = keras.layers.Identity()
    with pytest.raises(ValueError, match=message):
        FixMatch(**{"network": network(), "weak": layer, "strong": layer, **arguments})


def test_logits_are_refused():
    logits = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, bias_initializer="ones")]
    )
    with pytest.raises(ValueError, match="`network`.*end it in a softmax.*sum 3"):
        FixMatch(logits, keras.layers.Identity(), keras.layers.Identity())


def test_maps_are_refused():
    maps = keras.Sequential([keras.Input((4, 2)), keras.layers.Softmax()])
    with pytest.raises(ValueError, match=r"\(batch, classes\).*\(None, 4, 2\)"):
        FixMatch(maps, keras.layers.Identity(), keras.layers.Identity())


def test_bad_batches_are_named(digits):
    images, labels = (part[:4] for part in digits.train)
    model = identity()
    model.compile("sgd", run_eagerly=True)
    with pytest.raises(ValueError, match="`FixMatch` must be pairs"):
        model.train_on_batch(images, labels)
    with pytest.raises(ValueError, match=r"the keys .*Received: \['labelled'\]"):
        model({"labelled": images})
    pair = {"labelled": images, "unlabelled": images}
    with pytest.raises(ValueError, match=r"not one-hot.*\(4, 10\)"):
        model.train_on_batch(pair, np.eye(10)[labels])
