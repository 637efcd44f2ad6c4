"""Batches are filled, and large ones only as far as their rows need."""

import pytest

from keras_mra import backend


@pytest.mark.once
@pytest.mark.parametrize(
    "rows, batch_size, size",
    [
        (1, 1, 1),
        (3, 32, 32),
        (3, 256, 256),
        (3, 65_536, 256),
        (257, 65_536, 512),
        (512, 65_536, 512),
        (40_000, 50_000, 50_000),
        (50_000, 50_000, 50_000),
    ],
)
def test_few_rows_do_not_take_the_memory_of_a_large_batch(rows, batch_size, size):
    found = backend.padded(list(range(rows)), batch_size)
    assert found[:rows] == list(range(rows)) and len(found) == size
    assert set(found[rows:]) <= {rows - 1}
