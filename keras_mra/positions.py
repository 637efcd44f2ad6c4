"""Position codes of a grid of patches: sine-cosine codes, and other grids' codes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def sincos_1d(dim: int, positions: NDArray[Any]) -> NDArray[Any]:
    """Sines, then cosines, of positions at geometrically spaced frequencies.

    Args:
        dim: Even int, the width of the code.
        positions: Array of shape `(n,)`.

    Returns:
        Float64 array of shape `(n, dim)`.
    """
    frequencies = 10000.0 ** (-np.arange(dim // 2) / (dim / 2))
    angles = np.outer(positions, frequencies)  # (n, dim / 2)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def sincos_2d(
    dim: int, grid: tuple[int, int], trained_grid: tuple[int, int] | None = None
) -> NDArray[Any]:
    """Sine-cosine codes of a grid of patches, in raster order.

    The first half of each code belongs to the column, the second half to the row.

    Args:
        dim: Int divisible by 4, the width of the code.
        grid: Pair of ints, `(rows, columns)`.
        trained_grid: Pair of ints or `None`. A pair means that `grid` divides the same
            field of view into larger or smaller patches, whose centres are measured in
            patches of `trained_grid`.

    Returns:
        Float32 array of shape `(rows * columns, dim)`.
    """
    trained_grid = trained_grid or grid
    rows, columns = (
        (np.arange(n) + 0.5) * (trained / n) - 0.5
        for n, trained in zip(grid, trained_grid)
    )
    row_of, column_of = np.meshgrid(rows, columns, indexing="ij")  # (rows, columns)
    codes = [sincos_1d(dim // 2, p.reshape(-1)) for p in (column_of, row_of)]
    return np.concatenate(codes, axis=1).astype("float32")


def resize_positions(grid: tuple[int, int], new_grid: tuple[int, int]) -> NDArray[Any]:
    """The matrix that maps learned codes of one grid to those of another grid.

    The interpolation is PyTorch's bicubic one (`a = -0.75`, half-pixel centres,
    repeated edges), which other libraries use for the positions of ViTs.

    Args:
        grid: Pair of ints, `(rows, columns)`.
        new_grid: Pair of ints, `(rows, columns)`.

    Returns:
        Float32 array of shape `(new_rows * new_columns, rows * columns)`.
    """
    rows, columns = (_cubic(new, old) for new, old in zip(new_grid, grid))
    return np.kron(rows, columns).astype("float32")


def _cubic(new: int, old: int) -> NDArray[Any]:
    """Weights `(new, old)` of a cubic convolution in one dimension."""
    centres = (np.arange(new) + 0.5) * (old / new) - 0.5
    a = -0.75
    first = np.floor(centres).astype(int)
    matrix = np.zeros((new, old))
    for tap in range(-1, 3):
        distance = np.abs(centres - (first + tap))
        near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
        far = ((distance - 5) * distance + 8) * distance * a - 4 * a
        weight = np.where(distance <= 1, near, far)
        at = np.clip(first + tap, 0, old - 1)
        np.add.at(matrix, (np.arange(new), at), weight)
    return matrix
