"""`padded`: batches of few different sizes, because each size is compiled."""

from typing import TypeVar

Row = TypeVar("Row")
# Batches up to this size are always filled: one compiled size is worth the memory.
ALWAYS_FILLED = 256


def padded(rows: list[Row], batch_size: int) -> list[Row]:
    """Repeats the last row, so that a function is compiled for few sizes of batches.

    Args:
        rows: List of 1 to `batch_size` rows.
        batch_size: Int, the size of a whole batch.

    Returns:
        List of `batch_size` rows. Few rows of a batch of more than 256 become the next
        power of two instead, so that the memory depends on the rows.
    """
    size = max(ALWAYS_FILLED, 1 << (len(rows) - 1).bit_length())
    return rows + rows[-1:] * (min(batch_size, size) - len(rows))
