"""The classifiers of the experiments, and their predictions."""

import numpy as np
import pytest
from helpers.small_study import digits_study
from study import classifiers

from keras_mra import datasets


def test_networks_start_from_their_seed():
    def weights(seed):
        return classifiers.build_network("small_cnn", (8, 8, 1), 3, (0, 255), seed)

    np.testing.assert_array_equal(
        weights(0).get_weights()[0], weights(0).get_weights()[0]
    )
    assert (weights(0).get_weights()[0] != weights(1).get_weights()[0]).any()
    with pytest.raises(ValueError, match="`network` must be.*NoNet"):
        classifiers.build_network("NoNet", (8, 8, 1), 3, (0, 255), 0)


def test_predictions_in_order_and_changed(tmp_path):
    this = digits_study(tmp_path)
    images, true = datasets.in_memory(this.data.test)

    class Brightness:
        def predict_on_batch(self, images):
            return np.eye(256)[images.max(axis=(1, 2, 3)).astype(int)]

    predicted, labels = classifiers.predictions(Brightness(), this.data.test)
    np.testing.assert_array_equal(predicted, images.max(axis=(1, 2, 3)))
    np.testing.assert_array_equal(labels, true)
    changed, _ = classifiers.predictions(Brightness(), this.data.test, lambda x: x // 2)
    np.testing.assert_array_equal(changed, images.max(axis=(1, 2, 3)) // 2)
    wrong = (images.max(axis=(1, 2, 3)) != true).mean()
    assert classifiers.classification_error(Brightness(), this.data.test) == wrong
