"""The error under occlusion of a classifier that reads some of the pixels."""

import numpy as np
import pytest

from keras_mra import evaluation
from keras_mra.evaluation.occlusion import center_occlusion
from keras_mra.evaluation.occlusion import patch_occlusion

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


def read_left_or_right(images):
    """Scores of "bright at the left" and "at the right", of the middle rows."""
    middle = images[:, 3:5, :, 0].astype("float32").mean(axis=1)
    return np.stack([middle[:, :4].mean(axis=1), middle[:, 4:].mean(axis=1)], axis=1)


@pytest.fixture
def data(rng):
    """Half of the images show their class at the border alone, half all over."""
    labels = rng.integers(2, size=60)
    images = np.zeros((60, 8, 8, 1), "uint8")
    for i, (image, label) in enumerate(zip(images, labels)):
        image[:, 4 * label : 4 * label + 4] = 200
        if i % 2:
            image[1:-1, 1:-1] = 0
    return images, labels


def test_the_curve_is_the_error_at_each_width(data):
    images, labels = data
    result = evaluation.occlusion_curve(read_left_or_right, data, range(3))
    # Equal scores give the first class.
    lost = np.mean((labels == 1) & (np.arange(60) % 2 == 1))
    assert result.error == {0: 0.0, 1: pytest.approx(lost), 2: pytest.approx(lost)}
    centre = evaluation.occlusion_curve(
        read_left_or_right, data, (0, 6, 7), "center", value=9, batch_size=7
    )
    assert (centre.error[0], centre.error[6]) == (0.0, 0.0)
    occluded = center_occlusion(images, 7, 9)
    wrong = np.argmax(read_left_or_right(occluded), axis=1) != labels
    assert centre.error[7] == pytest.approx(wrong.mean())
    patches = evaluation.occlusion_curve(
        read_left_or_right, data, (0.5, 1.0), "patches", patch_size=4, seed=3
    )
    for ratio, error in patches.error.items():
        occluded = patch_occlusion(images, ratio, 4, seed=3)
        wrong = np.argmax(read_left_or_right(occluded), axis=1) != labels
        assert error == pytest.approx(wrong.mean())
    assert patches.error[0.5] < patches.error[1.0] == pytest.approx(labels.mean())


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(kind="edge"), "`kind` must be one of .*'edge'"),
        (dict(classifier=None), "`classifier` must be .*score.*None"),
        (dict(classifier="cnn"), "`classifier` must be .*score.*'cnn'"),
        (dict(kind="patches"), "`patch_size` must be given"),
        (dict(kind="patches", patch_size=3), "divisible by `patch_size`"),
        (dict(kind="patches", patch_size=4, widths=2), r"`widths` must be in \[0, 1\]"),
        (dict(patch_size="x"), "`patch_size` must be a positive integer or a pair"),
        (dict(widths=(1, 4)), "`width` must be.*width=4"),
        (dict(kind="center", widths=8), "`width` must be.*width=8"),
        (dict(seed=-1), "`seed` must be"),
        (dict(classifier=lambda x: x[:, :1, 0, 0]), "from 0 to 0. Received.* to 1"),
    ],
)
def test_bad_arguments_are_named(data, arguments, message):
    good = dict(classifier=read_left_or_right, data=data, widths=(0, 1))
    with pytest.raises(ValueError, match=message):
        evaluation.occlusion_curve(**{**good, **arguments})
