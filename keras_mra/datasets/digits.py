"""The 8x8 digits that ship inside scikit-learn: data where there is no network."""

import numpy as np

from keras_mra.datasets.unavailable import DatasetUnavailable

CLASS_NAMES = tuple("0123456789")
TEST_SHARE = 0.2


def load_digits():
    """Reads scikit-learn's digits.

    The last fifth of each class is the test set; the files are in the order of their
    writers, so it comes mostly from other hands than the training set.

    Returns:
        `(train, test, source)`; train and test are pairs of uint8 images of shape
        `(samples, 8, 8, 1)` and int32 labels.

    Raises:
        DatasetUnavailable: If scikit-learn is not installed.
    """
    try:
        from sklearn import datasets
    except ImportError as error:
        raise DatasetUnavailable(
            "The digits come with scikit-learn, which is not installed: "
            'pip install "keras-mra[cli]"'
        ) from error
    bunch = datasets.load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype("uint8")[..., None]  # 0 to 16
    labels = bunch.target.astype("int32")
    is_test = np.zeros(len(labels), bool)
    for label in range(len(CLASS_NAMES)):
        members = np.flatnonzero(labels == label)
        is_test[members[len(members) - round(len(members) * TEST_SHARE) :]] = True
    train = images[~is_test], labels[~is_test]
    return train, (images[is_test], labels[is_test]), "sklearn.datasets.load_digits"
