"""Bad data and arguments of the protocols are named."""

import keras
import numpy as np
import pytest

from keras_mra import evaluation

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once

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
            r"`solver` must be one of \('auto'.*solver='adam'",
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
    "call, message",
    [
        (lambda: evaluation.attention_distance(None, 0), "`encoder` must be an MAE"),
        (
            lambda: evaluation.alignment(None, np.ones((4, 2)), np.ones((3, 2))),
            r"same images.*\(4, 2\) and \(3, 2\)",
        ),
        (
            lambda: evaluation.alignment(None, np.ones((1, 2)), np.ones((1, 2))),
            "at least two",
        ),
        (
            lambda: evaluation.alignment(None, np.eye(2), np.nan * np.eye(2)),
            "`second` must be finite",
        ),
        (lambda: evaluation.alignment(None, 0, 0, t=0), "`t` must be a positive"),
        (
            lambda: evaluation.purity(None, (np.eye(4), np.arange(4)), k=4),
            "`k` must be less than .*4. Received: k=4",
        ),
        (lambda: evaluation.purity(None, np.eye(4)), "`data` must be a pair"),
    ],
)
def test_bad_arguments_of_the_analyses_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
