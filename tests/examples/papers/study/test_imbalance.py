"""Long tails against the published numbers and closed forms."""

import numpy as np
import pytest
from study.imbalance import class_groups
from study.imbalance import group_errors
from study.imbalance import long_tail
from study.imbalance import long_tail_counts

pytestmark = pytest.mark.once


@pytest.fixture
def labels(rng):
    return rng.permutation(np.repeat([3, 4, 7, 9], 60))


def test_the_published_cifar_10_lt():
    """The counts of Cui et al.'s CIFAR-10 with a factor of 100, 12,406 images."""
    counts = long_tail_counts([5000] * 10, 100)
    assert counts.tolist() == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    assert long_tail_counts([500] * 100, 50)[[0, -1]].tolist() == [500, 10]


@pytest.mark.parametrize("factor", [1, 10, 50, 100])
@pytest.mark.parametrize("size", [100, 6000])
@pytest.mark.parametrize("classes", [2, 5, 10])
def test_first_over_last_is_the_factor(factor, size, classes):
    counts = long_tail_counts([size] * classes, factor)
    assert counts[0] == size and counts[-1] == size // factor
    ratios = (counts[:-1] + 1) / counts[1:]
    assert (ratios >= factor ** (1 / (classes - 1))).all()
    assert (np.diff(counts) <= 0).all()


def test_unequal_classes_bear_the_longest_tail_that_fits():
    assert long_tail_counts([90, 25, 10], 4).tolist() == [40, 20, 10]
    assert long_tail_counts([30, 25, 10], 4).tolist() == [30, 15, 7]


def test_the_images_are_drawn_by_seed(labels):
    chosen = long_tail(labels, 10, seed=1)
    found = {label: (labels[chosen] == label).sum() for label in (3, 4, 7, 9)}
    expected = [int(60 * 10 ** (-c / 3)) for c in range(3)] + [6]
    assert list(found.values()) == expected
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, long_tail(labels, 10, seed=1))
    assert set(chosen) != set(long_tail(labels, 10, seed=2))
    assert set(long_tail(labels, 50, seed=1)) < set(chosen)


def test_groups_by_thirds_and_by_thresholds():
    labels = np.repeat(np.arange(10, 18), [5, 30, 200, 100, 20, 19, 101, 3])
    groups = class_groups(labels)
    assert {k: v.tolist() for k, v in groups.items()} == {
        "many": [12, 16],
        "medium": [11, 13, 14, 15],
        "few": [10, 17],
    }
    groups = class_groups(labels, (20, 100))
    assert {k: v.tolist() for k, v in groups.items()} == {
        "many": [12, 16],
        "medium": [11, 13, 14],
        "few": [10, 15, 17],
    }


def test_classes_of_one_size_are_ranked_by_label():
    groups = class_groups(np.repeat(np.arange(6), 2))
    assert [v.tolist() for v in groups.values()] == [[0, 1], [2, 3], [4, 5]]


def test_errors_of_groups_are_means_of_classes():
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    predicted = np.array([0, 0, 0, 1, 1, 0, 0, 0])  # errors 1/4, 1/2 and 1
    groups = {"many": np.array([0, 1]), "medium": np.array([5]), "few": np.array([2])}
    errors = group_errors(predicted, labels, groups)
    assert errors == {"all": pytest.approx(7 / 12), "many": 0.375, "few": 1.0}


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: long_tail(np.eye(2), 10), r"`labels` must be integers.*\(2, 2\)"),
        (lambda: long_tail([0, 1], 0.5), "`factor` must be at least 1.*0.5"),
        (lambda: long_tail([0, 1] * 5, 10, seed=None), "`seed` must be an integer"),
        (lambda: long_tail([0, 1] * 5, 10), "`factor`.*every class.*factor=10.*5 im"),
        (lambda: long_tail([4, 4], 10), "at least two classes"),
        (lambda: class_groups([0, 1], (100, 20)), "`thresholds` must be a pair"),
        (lambda: group_errors([0], [0, 1], {}), "1 predictions, 2 labels"),
        (lambda: group_errors([0.5], [0], {}), "`predicted` must be integers.*float"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
