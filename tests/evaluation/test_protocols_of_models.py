"""The protocols with encoders and classifiers that a backend computes."""

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize

import keras_mra
from keras_mra import evaluation
from keras_mra.evaluation import transforms
from keras_mra.evaluation.occlusion import boundary_occlusion

pytestmark = pytest.mark.usefixtures("quick_compilation")

SHAPE = (8, 12, 1)


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE(SHAPE, 4, value_range=(-1, 1), **TINY))


@pytest.fixture
def data(rng):
    images = rng.uniform(-1, 1, (40, *SHAPE)).astype("float32")
    return images, np.arange(40) % 2


def test_alignment_of_an_encoders_views(mae, data):
    views = data[0], data[0][:, ::-1]
    result = evaluation.alignment(mae, *views, "cls")
    by_hand = [evaluation.features(mae, view, "cls") for view in views]
    assert result == evaluation.alignment(None, *by_hand)
    assert result.alignment > 0 and (result.dim, result.images) == (16, 40)


def test_neighbours_of_an_mae_are_those_of_its_features(mae, data):
    features = evaluation.features(mae, data[0]), data[1]
    train = data[0][:20], data[1][:20]
    result = evaluation.knn(mae, train, data, k=3, batch_size=7)
    assert result == evaluation.knn(None, (features[0][:20], train[1]), features, k=3)
    with pytest.raises(ValueError, match="`test` must lie in .*`value_range`"):
        evaluation.knn(mae, data, (data[0] * 2.0, data[1]), k=1)


def test_the_range_of_an_mae_decides_the_colour_of_a_border(mae, data):
    features = evaluation.features(mae, data[0]), data[1]
    result = evaluation.invariance(mae, features, data)
    lowest = {"border": lambda x, rng: transforms.border(x, rng, value=-1)}
    by_hand = evaluation.invariance(mae, data, data, transforms=lowest)
    assert result.accuracy["border"] == by_hand.accuracy["border"]
    assert result.accuracy["clean"] == by_hand.accuracy["clean"]


def test_occlusion_of_a_keras_classifier(data):
    images, labels = data
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(2, kernel_initializer=keras.initializers.HeNormal(0)),
        ]
    )
    result = evaluation.occlusion_curve(model, data, 2)
    answers = model.predict(boundary_occlusion(images, 2), verbose=0).argmax(axis=1)
    assert result.error == {2: pytest.approx((answers != labels).mean())}


def test_an_autoencoder_is_no_classifier(mae, data):
    with pytest.raises(ValueError, match="`classifier` must be .*score.*MAE"):
        evaluation.occlusion_curve(mae, data, 1)
