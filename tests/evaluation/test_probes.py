"""The probes, against scikit-learn and NumPy on fixed features."""

import json
import sys

import keras
import numpy as np
import pytest
import threadpoolctl
from helpers.models import TINY
from helpers.models import randomize
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import StandardScaler

import keras_mra
from keras_mra import evaluation
from keras_mra.evaluation.probe import fit_probe

SHAPE = (4, 6, 1)


def module_of(function):
    """The module of a protocol; the package gives its name to the function."""
    return sys.modules[function.__module__]


def blobs(rng, per_class, classes=(2, 5, 7), dim=6, spread=2.0):
    """Features of overlapping classes on different scales, in random order."""
    centres = np.random.default_rng(9).normal(size=(len(classes), dim))
    which = rng.permutation(np.repeat(np.arange(len(classes)), per_class))
    features = centres[which] + spread * rng.normal(size=(len(which), dim))
    return (features * np.arange(1, dim + 1)).astype("float32"), np.array(classes)[
        which
    ]


@pytest.fixture
def train(rng):
    return blobs(rng, 40)


@pytest.fixture
def test(rng):
    return blobs(rng, 30)


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE(SHAPE, 2, **TINY))


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (10, *SHAPE), dtype="uint8")


# --- the protocols -------------------------------------------------------------------


def test_features_are_computed_once(train, test, rng):
    calls = []

    def encoder(images):
        calls.append(len(images))
        return images[:, 0, 0]

    as_images = [(x[:, None, None], y) for x, y in (train, test)]
    direct = evaluation.knn(None, train, test)
    assert evaluation.knn(encoder, *as_images, batch_size=200) == direct
    assert calls == [120, 90]
    # Features in place of images, whatever the encoder.
    assert evaluation.knn(encoder, train, as_images[1]) == direct


def test_linear_probe_is_logistic_regression_on_standardised_features(train, test):
    result = evaluation.linear_probe(None, train, test, C=0.1)
    scaler = StandardScaler().fit(train[0])
    reference = LogisticRegression(C=0.1, max_iter=1000)
    reference.fit(scaler.transform(train[0]), train[1])
    assert result.accuracy == reference.score(scaler.transform(test[0]), test[1])
    assert result.train_accuracy == reference.score(
        scaler.transform(train[0]), train[1]
    )
    assert 0.5 < result.accuracy < 0.95
    assert (result.solver, result.iterations) == ("lbfgs", reference.n_iter_.max())
    assert (result.train_images, result.test_images, result.dim) == (120, 90, 6)


def test_narrow_probes_keep_blas_to_one_thread(monkeypatch):
    threads = []

    def fit(self, features, labels):
        info = threadpoolctl.threadpool_info()
        threads.append({i["num_threads"] for i in info if i["user_api"] == "blas"})
        return whole(self, features[:4], labels[:4])

    whole = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", fit)
    for classes in (100, 101):
        labels = np.arange(2 * classes) % classes
        with threadpoolctl.threadpool_limits(2, user_api="blas"):
            fit_probe(np.eye(2 * classes, 3), labels, C=1.0)
    assert threads == [{1}, {2}]


def test_linear_probe_by_sgd_finds_the_same_optimum(rng, train, test, monkeypatch):
    large = blobs(rng, 1400)
    fitted = fit_probe(*large, C=1e-4, max_iterations=60, solver="sgd")
    scaler = StandardScaler().fit(large[0])
    reference = LogisticRegression(C=1e-4).fit(scaler.transform(large[0]), large[1])
    wanted = reference.predict(scaler.transform(large[0]))
    assert (fitted.predict(large[0]) == wanted).mean() > 0.985
    # Large sets go to it.
    monkeypatch.setattr("keras_mra.evaluation.probe.LBFGS_LIMIT", 120 * 6 - 1)
    result = evaluation.linear_probe(None, train, test, seed=1)
    assert (result.solver, result.iterations) == ("sgd", 30)
    assert result.accuracy > 0.5
    assert result == evaluation.linear_probe(None, train, test, seed=1)
    monkeypatch.undo()
    assert evaluation.linear_probe(None, train, test).solver == "lbfgs"


def vote(train, test, k, temperature):
    """Nearest neighbours, image by image, in float64."""
    features, labels = train[0].astype("float64"), train[1]
    answers = []
    for query in test[0].astype("float64"):
        similarity = features @ query
        similarity /= np.linalg.norm(features, axis=1) * np.linalg.norm(query)
        votes = dict.fromkeys(np.unique(labels), 0.0)
        for neighbour in np.argsort(-similarity)[:k]:
            votes[labels[neighbour]] += np.exp(similarity[neighbour] / temperature)
        answers.append(max(votes, key=votes.get))
    return np.array(answers)


@pytest.mark.parametrize("chunk", [2**24, 1000])
@pytest.mark.parametrize("temperature", [0.07, 10.0])
def test_knn_is_a_brute_force_vote(train, test, temperature, chunk, monkeypatch):
    monkeypatch.setattr(module_of(evaluation.knn), "CHUNK", chunk)
    result = evaluation.knn(None, train, test, k=(20, 1, 5), temperature=temperature)
    assert list(result.accuracy) == [20, 1, 5]
    for k, accuracy in result.accuracy.items():
        assert accuracy == (vote(train, test, k, temperature) == test[1]).mean()
    assert len(set(result.accuracy.values())) == 3
    one = evaluation.knn(None, train, test, k=5, temperature=temperature)
    assert one.accuracy == {5: result.accuracy[5]}


def test_knn_survives_small_temperatures_and_zero_features(train, test):
    features = train[0].copy()
    features[0] = 0
    cold = evaluation.knn(None, (features, train[1]), test, k=20, temperature=1e-5)
    nearest = evaluation.knn(None, (features, train[1]), test, k=1)
    assert cold.accuracy[20] == nearest.accuracy[1]


def test_few_shot_answers_by_the_nearest_centroid(rng, monkeypatch):
    data = blobs(rng, 30, classes=(0, 1, 3, 4, 8), dim=4)
    unit = data[0] / np.linalg.norm(data[0], axis=1, keepdims=True)
    episodes = []
    few_shot = module_of(evaluation.few_shot)
    original = few_shot.nearest_centroid

    def recorded(support, queries):
        accuracy = original(support, queries)
        episodes.append((support, queries, accuracy))
        return accuracy

    monkeypatch.setattr(few_shot, "nearest_centroid", recorded)
    result = evaluation.few_shot(
        None, data, ways=3, shots=(1, 5), queries=7, episodes=40, seed=1
    )
    by_shot = {1: [], 5: []}
    for support, queries, _ in episodes:
        ways, shot, _ = support.shape
        assert (ways, queries.shape) == (3, (3, 7, 4))
        # Which images these are: all different, those of a row of one class.
        drawn = np.concatenate([support, queries], axis=1)
        rows, index = np.nonzero((drawn.reshape(-1, 1, 4) == unit[None]).all(axis=-1))
        assert len(set(index)) == len(rows) == 3 * (shot + 7)
        labels = data[1][index].reshape(3, -1)
        assert (labels == labels[:, :1]).all() and len(set(labels[:, 0])) == 3
        reference = NearestCentroid().fit(
            support.reshape(-1, 4), labels[:, :shot].ravel()
        )
        by_shot[shot].append(
            reference.score(queries.reshape(-1, 4), labels[:, shot:].ravel())
        )
    for shot, accuracies in by_shot.items():
        assert len(accuracies) == 40
        np.testing.assert_allclose(result.accuracy[shot], np.mean(accuracies))
        half = 1.96 * np.std(accuracies, ddof=1) / 40**0.5
        np.testing.assert_allclose(result.interval[shot], half)
    # All shots are asked the same of the same classes.
    np.testing.assert_array_equal(episodes[0][1], episodes[1][1])
    np.testing.assert_array_equal(episodes[0][0], episodes[1][0][:, :1])
    assert result.accuracy[5] > result.accuracy[1]


def test_few_shot_with_augmented_support(rng, monkeypatch):
    """Against centroids of every image and copy, of features not averaged before."""

    class Turn(keras.layers.Layer):
        """Adds 1 in the first call, 2 in the second, ...: no copy is like another."""

        def __init__(self):
            super().__init__()
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, images):
            if images.shape[0] > 1:  # not to be built
                self.calls.assign(self.calls + 1)
            return images + self.calls

    few_shot = module_of(evaluation.few_shot)
    # The layer counts its calls, which `compiled` keeps of random state alone.
    monkeypatch.setattr(few_shot.backend, "compiled", lambda model, function: function)
    images = rng.normal(size=(40, 2, 2, 1)).astype("float32")
    labels = np.repeat([1, 4, 5, 8], 10)
    images += labels[:, None, None, None] / 4 * np.array([[[1.0], [-1]], [[0], [2]]])
    images = images.astype("float32")

    def flat(x):
        return x.reshape(len(x), -1)

    def unit(x):
        return flat(x) / np.linalg.norm(flat(x), axis=1, keepdims=True)

    episodes = []
    original = few_shot.nearest_centroid

    def recorded(support, queries):
        accuracy = original(support, queries)
        episodes.append((support, queries, accuracy))
        return accuracy

    monkeypatch.setattr(few_shot, "nearest_centroid", recorded)
    settings = dict(ways=3, shots=(1, 3), queries=4, episodes=30, seed=2)
    result = evaluation.few_shot(
        flat, (images, labels), augmentation=Turn(), copies=3, **settings
    )
    augmented = np.stack([unit(images + n) for n in range(4)])  # (copies, images, dim)
    for support, queries, accuracy in episodes:
        # Queries are images as they came, of which the features tell which.
        asked = [[np.abs(augmented[0] - q).sum(1).argmin() for q in c] for c in queries]
        np.testing.assert_allclose(augmented[0][asked], queries, atol=1e-6)
        mean = augmented.mean(axis=0)
        shown = [[np.abs(mean - s).sum(1).argmin() for s in c] for c in support]
        every = np.stack([augmented[:, row].reshape(-1, 4) for row in shown])
        reference = NearestCentroid().fit(
            every.reshape(-1, 4), np.repeat(labels[shown][:, 0], every.shape[1])
        )
        score = reference.score(queries.reshape(-1, 4), labels[asked].ravel())
        assert accuracy == pytest.approx(score)
    assert (result.copies, len(episodes)) == (3, 60)
    plain = evaluation.few_shot(flat, (images, labels), **settings)
    assert plain == evaluation.few_shot(None, (flat(images), labels), **settings)
    assert plain.copies == 0 and plain.accuracy != result.accuracy


@pytest.mark.usefixtures("quick_compilation")
def test_few_shot_with_mra(mae, images):
    data = np.repeat(images, 4, axis=0), np.repeat([0, 1], 20)
    augment = keras_mra.layers.MaskReconstruct(mae, 0.5, "random", seed=0)
    settings = dict(ways=2, shots=1, queries=5, episodes=10, batch_size=16)
    result = evaluation.few_shot(mae, data, augmentation=augment, copies=2, **settings)
    assert result.copies == 2 and 0 <= result.accuracy[1] <= 1
    # Nothing is augmented where nothing is painted.
    still = keras_mra.layers.MaskReconstruct(mae, 0.5, "random", rate=0.0, seed=0)
    same = evaluation.few_shot(mae, data, augmentation=still, copies=2, **settings)
    assert same.accuracy == evaluation.few_shot(mae, data, **settings).accuracy


def test_few_shot_of_what_cannot_be_told_apart(rng):
    features, labels = rng.normal(size=(200, 8)), np.repeat(np.arange(10), 20)
    chance = evaluation.few_shot(None, (features, labels), queries=10, episodes=200)
    assert abs(chance.accuracy[1] - 0.2) < 2 * chance.interval[1] < 0.05
    sure = evaluation.few_shot(
        None, (np.eye(10)[labels], labels), queries=10, episodes=5
    )
    assert sure.accuracy == {1: 1.0, 5: 1.0} and sure.interval == {1: 0.0, 5: 0.0}


def test_draws_follow_the_seed(rng, train, test):
    for protocol in (
        lambda seed: evaluation.few_shot(None, train, 3, episodes=20, seed=seed),
        lambda seed: evaluation.low_shot(None, train, test, 4, seed=seed),
    ):
        assert protocol(0) == protocol(0)
        assert protocol(0).accuracy != protocol(1).accuracy


def test_low_shot_probes_nested_balanced_draws(train, test, monkeypatch):
    fitted = []
    low_shot = module_of(evaluation.low_shot)
    original = low_shot.fit_probe

    def recorded(features, labels, *args, **kwargs):
        fitted.append((features, labels))
        return original(features, labels, *args, **kwargs)

    monkeypatch.setattr(low_shot, "fit_probe", recorded)
    result = evaluation.low_shot(
        None, train, test, labels_per_class=(3, 10), draws=2, C=0.5
    )
    found = {3: [], 10: []}
    for features, labels in fitted:
        classes, counts = np.unique(labels, return_counts=True)
        assert classes.tolist() == [2, 5, 7] and len(set(counts)) == 1
        scaler = StandardScaler().fit(features)
        reference = LogisticRegression(C=0.5, max_iter=1000)
        reference.fit(scaler.transform(features), labels)
        found[counts[0]].append(reference.score(scaler.transform(test[0]), test[1]))
    for n, accuracies in found.items():
        assert list(result.draws[n]) == accuracies and len(accuracies) == 2
        np.testing.assert_allclose(result.accuracy[n], np.mean(accuracies))
        np.testing.assert_allclose(result.std[n], np.std(accuracies, ddof=1))
    few, many, others, _ = (set(map(tuple, features)) for features, _ in fitted)
    assert few < many and few != others
    assert evaluation.low_shot(None, train, test, 3, draws=1).std == {3: 0.0}


# --- results -------------------------------------------------------------------------


def test_results_print_as_tables_and_save_as_json(train, test, tmp_path):
    results = [
        evaluation.linear_probe(None, train, test),
        evaluation.knn(None, train, test, k=(1, 20)),
        evaluation.few_shot(None, train, ways=3, episodes=10),
        evaluation.low_shot(None, train, test, (5, 10)),
    ]
    for result in results:
        lines = str(result).splitlines()
        assert len({len(line) for line in lines}) == 1 and set(lines[1]) == {"|", "-"}
        result.save(tmp_path / "result.json")
        loaded = json.loads((tmp_path / "result.json").read_text())
        assert loaded == result.to_dict()
        assert loaded["protocol"] in type(result).__module__
        with pytest.raises(AttributeError):
            result.accuracy = 1.0
    one, twenty = (100 * results[1].accuracy[k] for k in (1, 20))
    assert str(results[1]).splitlines()[2:] == [
        f"| 1  | {one:.2f}      |",
        f"| 20 | {twenty:.2f}      |",
    ]


# --- bad input -----------------------------------------------------------------------


FEATURES, LABELS = np.arange(24.0).reshape(12, 2), np.repeat([0, 1, 2], 4)
GOOD = (FEATURES, LABELS)


@pytest.mark.parametrize(
    "train, test, message",
    [
        (FEATURES, GOOD, "`train` must be a pair.*ndarray"),
        ((FEATURES, LABELS[:5]), GOOD, r"`train`.*label for each.*\(12, 2\), 5 labels"),
        ((FEATURES[:0], LABELS[:0]), GOOD, "`train`.*at least one"),
        (GOOD, (FEATURES, np.eye(3)[LABELS]), "`test` must have integer labels"),
        (GOOD, (FEATURES, LABELS / 1.0), "`test`.*integer labels.*float64"),
        ((FEATURES[:8], LABELS[:8]), GOOD, "`train`.*every class.*of class 2$"),
        ((FEATURES[:4], LABELS[:4]), GOOD, "`train`.*two classes.*only class 0"),
        (GOOD, (FEATURES[:, :1], LABELS), "one width. Received: 2 and 1"),
        (GOOD, (FEATURES * np.nan, LABELS), "`test` must be finite.*12 of 12"),
        (GOOD, (np.zeros((12, 8, 8, 1)), LABELS), "`test` must be features.*None"),
    ],
)
@pytest.mark.parametrize("protocol", ["linear_probe", "knn", "low_shot"])
def test_bad_data_are_named(protocol, train, test, message):
    options = {"knn": {"k": 1}, "low_shot": {"labels_per_class": 2}}.get(protocol, {})
    with pytest.raises(ValueError, match=message):
        getattr(evaluation, protocol)(None, train, test, **options)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: evaluation.knn(None, GOOD, GOOD, k=(1, 13)), "`k`.*12.*k=.1, 13."),
        (lambda: evaluation.knn(None, GOOD, GOOD, k=0), "`k` must be a positive"),
        (lambda: evaluation.knn(None, GOOD, GOOD, k=()), "`k` must be a positive"),
        (lambda: evaluation.knn(None, GOOD, GOOD, 1, 0.0), "`temperature` must be"),
        (lambda: evaluation.few_shot(None, GOOD, ways=4), "`ways`.*classes, 3.*ways=4"),
        (lambda: evaluation.few_shot(None, GOOD, ways=1), "`ways` must be at least 2"),
        (
            lambda: evaluation.few_shot(None, GOOD, ways=3, shots=2, queries=3),
            "`data`.*at least 5 images of each class. Received: 4 of class 0",
        ),
        (
            lambda: evaluation.few_shot(None, GOOD, ways=3, seed=None),
            "`seed` must be an integer",
        ),
        (
            lambda: evaluation.few_shot(None, GOOD, 3, copies=0),
            "`copies` must be a positive integer",
        ),
        (
            lambda: evaluation.few_shot(None, GOOD, 3, augmentation="mra"),
            "`augmentation` must be a Keras layer or None.*'mra'",
        ),
        (
            lambda: evaluation.few_shot(
                None, GOOD, 3, augmentation=keras.layers.Identity()
            ),
            r"`data` must hold images.*\(12, 2\)",
        ),
        (
            lambda: evaluation.low_shot(None, GOOD, GOOD),
            "`train`.*at least 100 images.*4 of class 0",
        ),
        (lambda: evaluation.linear_probe(None, GOOD, GOOD, C=0), "`C` must be"),
        (
            lambda: evaluation.linear_probe(None, GOOD, GOOD, solver="adam"),
            "`solver` must be one of 'auto'.*solver='adam'",
        ),
        (
            lambda: evaluation.linear_probe(None, GOOD, GOOD, pool="max"),
            "`pool` must be one of.*pool='max'",
        ),
        (lambda: evaluation.knn("mae_nano", GOOD, GOOD), "`encoder`.*'mae_nano'.*str"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "encoder, message",
    [
        (lambda x: x, r"shape \(batch, dim\).*\(10, 4, 6, 1\) for 10"),
        (lambda x: x.reshape(5, -1), r"\(5, 48\) for 10 images"),
        (lambda x: x.mean(), r"Received: shape \(\)"),
        (lambda x: {"a": x}, "one array of features.*dict of 1"),
        (lambda x: x[:, 0, 0] * np.inf, "finite features.*10 of 10"),
    ],
)
def test_bad_features_are_named(encoder, message):
    with pytest.raises(ValueError, match=message):
        evaluation.features(encoder, np.ones((10, *SHAPE)))


def test_images_that_an_mae_cannot_read_are_named(mae, images):
    with pytest.raises(ValueError, match="`images` must have shape .*height is 2"):
        evaluation.features(mae, images[:, :2])
    with pytest.raises(ValueError, match="`test` must lie in .*`value_range`"):
        data = images, np.arange(10) % 2
        evaluation.knn(mae, data, (images * 2.0, data[1]), k=1)


def test_scikit_learn_is_asked_for(monkeypatch, train, test):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for protocol in (evaluation.linear_probe, evaluation.low_shot):
        with pytest.raises(ImportError, match=r"pip install 'keras-mra\[evaluation\]'"):
            protocol(None, train, test)
    assert evaluation.knn(None, train, test).accuracy[1] > 0.3
