"""The predictions of a classifier, in order and of changed images."""

import numpy as np
from helpers.small_study import digits_study

from keras_mra import datasets
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
