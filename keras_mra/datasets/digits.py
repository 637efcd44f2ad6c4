"""The 8x8 digits of scikit-learn, which need no network."""

import numpy as np

from keras_mra.datasets.dataset import Split
from keras_mra.datasets.dataset_unavailable import DatasetUnavailable

CLASS_NAMES = tuple("0123456789")
TEST_SHARE = 0.2


def load_digits() -> tuple[Split, Split, str]:
    """Reads scikit-learn's digits.

    The last fifth of each class is the test set. The files are in the order of their
    writers, so most of the test set comes from writers that are not in the training
    set.

    Returns:
        `(train, test, source)`. `train` and `test` are pairs of uint8 images of shape
        `(samples, 8, 8, 1)` and int32 labels of shape `(samples,)`.

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
    # Pixels are from 0 to 16.
    images = np.rint(bunch.images * (255 / 16)).astype("uint8")[..., None]
    labels = bunch.target.astype("int32")
    is_test = np.zeros(len(labels), bool)
    for label in range(len(CLASS_NAMES)):
        members = np.flatnonzero(labels == label)
        is_test[members[len(members) - round(len(members) * TEST_SHARE) :]] = True
    train = images[~is_test], labels[~is_test]
    return train, (images[is_test], labels[is_test]), "sklearn.datasets.load_digits"
