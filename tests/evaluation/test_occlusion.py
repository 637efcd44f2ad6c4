"""Occlusions pixel by pixel, and the error of a classifier that reads some of them."""

import json

import keras
import numpy as np
import pytest
from helpers.models import TINY

import keras_mra
from keras_mra import evaluation
from keras_mra.evaluation.occlusion import boundary_occlusion
from keras_mra.evaluation.occlusion import center_occlusion
from keras_mra.evaluation.occlusion import patch_occlusion


def test_boundary_occlusion():
    images = np.full((2, 6, 8, 1), 9, "uint8")
    out = boundary_occlusion(images, 2, value=1)
    assert (out[:, 2:4, 2:6] == 9).all() and out.sum() == 2 * (8 * 9 + 40 * 1)
    assert (images == 9).all() and out.dtype == images.dtype
    np.testing.assert_array_equal(boundary_occlusion(images, 0), images)
    with pytest.raises(ValueError, match="`width` must be.*half of 6.*width=3"):
        boundary_occlusion(images, 3)


@pytest.mark.parametrize("width", [0, 1, 2, 5])
def test_center_occlusion(rng, width):
    images = rng.integers(1, 256, (3, 6, 9, 2), dtype="uint8")
    out = center_occlusion(images, width, value=7)
    rows = range((6 - width) // 2, (6 - width) // 2 + width)
    columns = range((9 - width) // 2, (9 - width) // 2 + width)
    for row in range(6):
        for column in range(9):
            hidden = row in rows and column in columns
            expected = 7 if hidden else images[:, row, column]
            assert (out[:, row, column] == expected).all()
    assert out.dtype == images.dtype and images.min() > 0 and out is not images
    with pytest.raises(ValueError, match="`width` must be.*less than 6.*width=6"):
        center_occlusion(images, 6)


@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.0])
def test_patch_occlusion(rng, ratio):
    images = rng.integers(1, 256, (200, 4, 9, 2), dtype="uint8")
    out = patch_occlusion(images, ratio, (2, 3), seed=1)
    count = round(ratio * 6)
    seen = np.zeros((2, 3))
    for image, changed in zip(images, out):
        hidden = 0
        for row in range(2):
            for column in range(3):
                where = np.s_[2 * row : 2 * row + 2, 3 * column : 3 * column + 3]
                if (changed[where] == 0).all():
                    hidden += 1
                    seen[row, column] += 1
                else:
                    np.testing.assert_array_equal(changed[where], image[where])
        assert hidden == count
    # Each patch as often as any other.
    assert abs(seen / 200 - count / 6).max() < 0.12
    np.testing.assert_array_equal(out, patch_occlusion(images, ratio, (2, 3), seed=1))
    if ratio == 0.4:
        assert (out != patch_occlusion(images, ratio, (2, 3), seed=2)).any()
        more = patch_occlusion(images, 0.7, (2, 3), seed=1)
        assert (more[out == 0] == 0).all() and (more == 0).sum() > (out == 0).sum()


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
    # Where nothing is to be seen, the first class is answered.
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


def test_a_keras_classifier(data):
    images, labels = data
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(2, kernel_initializer=keras.initializers.HeNormal(0)),
        ]
    )
    result = evaluation.occlusion_curve(model, data, 2)
    answers = model.predict(boundary_occlusion(images, 2), verbose=0).argmax(axis=1)
    assert result.error == {2: pytest.approx((answers != labels).mean())}


def test_the_result_prints_and_saves(data, tmp_path):
    result = evaluation.occlusion_curve(read_left_or_right, data, (0, 2))
    assert str(result).splitlines()[0] == "| boundary, pixels | error % |"
    result.save(tmp_path / "result.json")
    saved = json.loads((tmp_path / "result.json").read_text())
    assert saved["error"] == {str(k): v for k, v in result.error.items()}
    assert (saved["protocol"], saved["kind"]) == ("occlusion", "boundary")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(kind="edge"), "`kind` must be one of .*'edge'"),
        (dict(classifier=None), "`classifier` must give a score.*None"),
        (dict(classifier="cnn"), "`classifier` must give a score.*'cnn'"),
        (dict(kind="patches"), "`patch_size` must be given"),
        (dict(kind="patches", patch_size=3), "divisible by `patch_size`"),
        (dict(kind="patches", patch_size=4, widths=2), r"`ratio` must be in \[0, 1\]"),
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


def test_an_autoencoder_is_no_classifier(data):
    with pytest.raises(ValueError, match="`classifier` must give a score.*MAE"):
        evaluation.occlusion_curve(keras_mra.MAE((8, 8, 1), 4, **TINY), data, 1)
