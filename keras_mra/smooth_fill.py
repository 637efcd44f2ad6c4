"""`smooth_fill`: hidden patches filled by the smoothest continuation of the visible.

The fill approximates the harmonic one, in which each hidden pixel is the mean of its
four neighbours. Hidden patches are large, so plain relaxation would take hundreds of
steps. The equation is therefore solved from one pixel per patch up to all pixels, each
resolution starting from the coarser solution, by the Chebyshev semi-iterative method
(Golub and Van Loan, *Matrix Computations*, section 11.2).
"""

from collections.abc import Iterator

from keras import ops

from keras_mra import patches as patch_ops
from keras_mra.typing import Array
from keras_mra.typing import ImageShape

# Steps at each coarser resolution, and at the full one, whose steps cost most. On
# photographs of 64 pixels with patches of 8, the error is then within 4 % of the
# harmonic fill's.
STEPS, LAST_STEPS = 8, 3
# Bound of the spectral radius of a Jacobi step within holes of a few patches.
RADIUS = 0.97


def smooth_fill(
    patches: Array,
    visible: Array,
    patch_size: tuple[int, int],
    image_shape: ImageShape,
) -> Array:
    """Fills the hidden patches from the visible ones.

    Args:
        patches: Float tensor of shape `(batch, patches, values)`. The hidden patches
            are not used.
        visible: Integer tensor of shape `(batch, kept)`, distinct patch indices.
        patch_size: Pair of ints, `(patch_height, patch_width)`.
        image_shape: Triple of ints, `(height, width, channels)`.

    Returns:
        Tensor of the shape of `patches`. Visible patches are unchanged. The values of
        hidden patches lie between the smallest and the largest visible value up to the
        overshoot of the iteration, which is a few percent of their distance.
    """
    height, width, channels = image_shape
    rows, columns = height // patch_size[0], width // patch_size[1]
    shown = patch_ops.visible_mask(visible, rows * columns)  # (B, N)
    weights = ops.cast(ops.expand_dims(shown, -1), patches.dtype)  # (B, N, 1)
    shown = ops.reshape(shown, (-1, 1, rows, columns))
    filled, scale = None, 1
    for a, b in _resolutions(patch_size):
        pooled = _pool(patches, patch_size, (a, b), channels)  # (B, N, a * b * C)
        known = patch_ops.unpatchify(pooled, (a, b), (rows * a, columns * b, channels))
        # Slices along the last axes are fastest: (B, C, rows * a, columns * b).
        known = ops.transpose(known, (0, 3, 1, 2))
        if filled is None:  # one pixel per patch
            mean = ops.sum(pooled * weights, axis=1) / ops.sum(weights, axis=1)
            filled = ops.reshape(mean, (-1, channels, 1, 1))
        else:
            down, along = (known.shape[i] // filled.shape[i] for i in (2, 3))
            filled = ops.repeat(ops.repeat(filled, down, axis=2), along, axis=3)
            scale = max(down, along)
        is_known = ops.repeat(ops.repeat(shown, a, axis=2), b, axis=3)
        steps = STEPS if (a, b) != tuple(patch_size) else max(LAST_STEPS, scale)
        filled = _relax(ops.where(is_known, known, filled), known, is_known, steps)
    return patch_ops.patchify(ops.transpose(filled, (0, 2, 3, 1)), patch_size)


def _resolutions(patch_size: tuple[int, int]) -> list[tuple[int, int]]:
    """Pixels per patch, from `(1, 1)` up to the patch size, each dividing the next."""
    sides = [list(_divisors(side)) for side in patch_size]
    count = max(map(len, sides))
    sides = [found + [found[-1]] * (count - len(found)) for found in sides]
    return list(zip(*sides))


def _divisors(side: int) -> Iterator[int]:
    """A chain of divisors from 1 to `side`, each the smallest multiple of the last."""
    divisor = 1
    while divisor < side:
        yield divisor
        factor = next(f for f in range(2, side + 1) if side // divisor % f == 0)
        divisor *= factor
    yield side


def _pool(
    patches: Array, patch_size: tuple[int, int], to: tuple[int, int], channels: int
) -> Array:
    """Averages each flat patch to `to` pixels: `(B, N, values)` to `(B, N, a*b*C)`."""
    (height, width), (a, b) = patch_size, to
    count = patches.shape[1]
    x = ops.reshape(patches, (-1, count, a, height // a, b, width // b, channels))
    return ops.reshape(ops.mean(x, axis=(3, 5)), (-1, count, a * b * channels))


def _relax(filled: Array, known: Array, is_known: Array, steps: int) -> Array:
    """Chebyshev steps towards pixels that equal the mean of their neighbours."""
    weights = ops.convert_to_tensor(_weights(steps), filled.dtype)

    def step(number: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        filled, before = state
        weight = ops.take(weights, number)
        new = (1 - weight) * before + (weight / 4) * _sum_of_neighbours(filled)
        return ops.where(is_known, known, new), filled

    # XLA would fuse the steps of a Python loop, and compute each of them many times:
    # four times slower in training.
    relaxed: Array = ops.fori_loop(0, steps, step, (filled, filled))[0]
    return relaxed


def _weights(steps: int) -> list[float]:
    """The factors of the Chebyshev steps."""
    weights = [1.0, 1 / (1 - RADIUS**2 / 2)]
    while len(weights) < steps:
        weights.append(1 / (1 - RADIUS**2 * weights[-1] / 4))
    return weights[:steps]


def _sum_of_neighbours(x: Array) -> Array:
    """The sum of the four neighbours of each pixel. The border repeats itself."""
    x = ops.concatenate([x[:, :, :1], x, x[:, :, -1:]], axis=2)
    x = ops.concatenate([x[..., :1], x, x[..., -1:]], axis=3)  # (B, C, H + 2, W + 2)
    above, below = x[:, :, :-2, 1:-1], x[:, :, 2:, 1:-1]
    return above + below + x[:, :, 1:-1, :-2] + x[:, :, 1:-1, 2:]
