"""The probe under transforms, by hand."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_mra import evaluation
from keras_mra.evaluation import transforms

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once

NAMES = ["shift", "flip", "crop", "rotation", "photometric", "cutout", "border"]


@pytest.fixture
def data(rng):
    """Images whose class is the place of a bright bar, and a test set of them."""

    def draw(size):
        labels = rng.integers(3, size=size)
        images = rng.integers(0, 150, (size, 8, 12, 1))
        images[np.arange(size), :, 4 * labels] += 60
        return images.astype("uint8"), labels

    return draw(150), draw(100)


def flat(images):
    return images.reshape(len(images), -1).astype("float32")


def test_a_probe_of_clean_images_meets_changed_ones(data):
    train, test = data
    result = evaluation.invariance(flat, train, test, C=0.1, seed=3)
    assert list(result.accuracy) == ["clean", *NAMES]
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    probe.fit(flat(train[0]), train[1])
    assert result.accuracy["clean"] == probe.score(flat(test[0]), test[1])
    flipped = flat(test[0][:, :, ::-1])
    assert result.accuracy["flip"] == probe.score(flipped, test[1])
    framed = flat(transforms.border(test[0], None, value=0))
    assert result.accuracy["border"] == probe.score(framed, test[1])
    clean = evaluation.linear_probe(flat, train, test, C=0.1)
    assert result.accuracy["clean"] == clean.accuracy
    assert result.accuracy["shift"] < clean.accuracy > 0.8


def test_an_invariant_encoder_loses_nothing(data):
    train, (images, _) = data
    test = images, images.sum(axis=(1, 2, 3)).argsort().argsort() // 34

    def by_row(images):  # blind to left and right
        return images.mean(axis=(2, 3))

    result = evaluation.invariance(by_row, test, test)
    assert result.accuracy["flip"] == result.accuracy["clean"]
    assert result.accuracy["photometric"] < result.accuracy["clean"]
    assert "| flip        |" in str(result) and "| +0.00  |" in str(result)


def test_each_transform_has_its_own_stream(data):
    train, test = data
    drawn = {}

    def noise(images, rng):
        drawn.setdefault(len(drawn), rng.random(3).tolist())
        return images

    alone = evaluation.invariance(flat, train, test, transforms={"b": noise}, seed=1)
    both = {"a": noise, "b": noise}
    evaluation.invariance(flat, train, test, transforms=both, seed=1)
    evaluation.invariance(flat, train, test, transforms={"b": noise}, seed=2)
    assert drawn[0] == drawn[2] and drawn[1] != drawn[2] and drawn[3] != drawn[0]
    assert alone.accuracy["b"] == alone.accuracy["clean"]
    default = evaluation.invariance(flat, train, test, seed=1)
    assert default == evaluation.invariance(flat, train, test, seed=1, batch_size=7)
    assert default != evaluation.invariance(flat, train, test, seed=2)


def test_the_range_of_the_images_is_checked(data):
    train, test = (
        ((images / 127.5 - 1).astype("float32"), labels) for images, labels in data
    )
    with pytest.raises(ValueError, match="`test` must lie in .*value_range.*0, 255"):
        evaluation.invariance(flat, train, test)
    result = evaluation.invariance(flat, train, test, value_range=(-1, 1))
    # Standardised features do not depend on the range.
    assert result.accuracy["clean"] == evaluation.linear_probe(flat, *data).accuracy


def test_bad_arguments_are_named(data):
    train, test = data
    features = flat(test[0]), test[1]
    with pytest.raises(ValueError, match="`test` must have rank 4"):
        evaluation.invariance(None, features, features)
    with pytest.raises(ValueError, match="`value_range` must be"):
        evaluation.invariance(flat, train, test, value_range=(1, 0))
    with pytest.raises(ValueError, match="`seed` must be.*seed=-1"):
        evaluation.invariance(flat, train, test, seed=-1)
