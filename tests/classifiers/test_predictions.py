"""The predictions of a classifier, in order and of changed images."""

import numpy as np
import pytest
from helpers.small_study import digits_study

from keras_mra import datasets
from keras_mra.classifiers.learning_curve import LearningCurve
from keras_mra.classifiers.predictions import classification_error
from keras_mra.classifiers.predictions import predictions


def test_predictions_in_order_and_changed(tmp_path):
    this = digits_study(tmp_path)
    images, true = datasets.in_memory(this.data.test)

    class Brightness:
        def predict_on_batch(self, images):
            return np.eye(256)[images.max(axis=(1, 2, 3)).astype(int)]

    predicted, labels = predictions(Brightness(), this.data.test)
    np.testing.assert_array_equal(predicted, images.max(axis=(1, 2, 3)))
    np.testing.assert_array_equal(labels, true)
    changed, _ = predictions(Brightness(), this.data.test, lambda x: x // 2)
    np.testing.assert_array_equal(changed, images.max(axis=(1, 2, 3)) // 2)
    wrong = (images.max(axis=(1, 2, 3)) != true).mean()
    assert classification_error(Brightness(), this.data.test) == wrong


def test_a_network_is_compiled_for_one_size_of_batches():
    images = np.arange(7, dtype="float32").reshape(7, 1, 1, 1)
    sizes = set()

    class Value:
        def predict_on_batch(self, images):
            sizes.add(len(images))
            return np.eye(8)[images[:, 0, 0, 0].astype(int)]

    for batch_size, size in ((3, 3), (500, 7)):
        sizes.clear()
        data = datasets.ArrayDataset(
            images, np.zeros(7, int), min(batch_size, 7), shuffle=False, drop_last=False
        )
        predicted, labels = predictions(Value(), data)
        np.testing.assert_array_equal(predicted, range(7))
        assert len(labels) == 7
        curve = LearningCurve(Value(), data, 1)
        curve.on_epoch_end(0, {"loss": 1.0})
        assert curve.points["error"] == [pytest.approx(6 / 7)]
        assert sizes == {size}
