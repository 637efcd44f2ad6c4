"""Images that are kept for measurements."""

import numpy as np
import pytest

from keras_mra.datasets.held_out import evenly_spaced
from keras_mra.datasets.held_out import held_out_count

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "images, wanted, count",
    [(5, 64, 0), (19, 64, 0), (120, 1, 0), (120, 64, 12), (10**4, 64, 64), (100, 0, 0)],
)
def test_held_out_count(images, wanted, count):
    assert held_out_count(images, wanted) == count


def test_evenly_spaced():
    np.testing.assert_array_equal(evenly_spaced(10, 3), [0, 3, 6])
    np.testing.assert_array_equal(evenly_spaced(4, 4), [0, 1, 2, 3])
    assert evenly_spaced(10, 0).shape == (0,)
