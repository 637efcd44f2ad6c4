"""Properties of attention maps that need no masks of objects."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.attention_source import Source
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import percent
from keras_mra.typing import Array
from keras_mra.typing import Size

# Deviations of a map, relative to its mean, that float32 arithmetic leaves in a
# constant map.
CONSTANT = 1e-5


@dataclasses.dataclass(frozen=True)
class AttentionStatisticsResult(Result):
    """The result of `attention_statistics`.

    Attributes:
        entropy: Float in [0, 1], the entropy of a map divided by that of a uniform map,
            averaged over the images.
        self_attention: Float or `None`, the attention of the class token to itself,
            averaged over the images. `None` if the source does not read the attention
            of an `MAE` at its full resolution.
        position: Float in [0, 1], the share of the variance of the maps that the
            position of a patch explains.
        flip: Float in [-1, 1] or `None`, the agreement under a horizontal flip.
        shift: Float in [-1, 1] or `None`, the agreement under a shift by one patch.
            An agreement is `None` if no pair of maps has a correlation, because one of
            the two is constant.
        images: Int.
    """

    protocol = "attention_statistics"

    entropy: float
    self_attention: float | None
    position: float
    flip: float | None
    shift: float | None
    images: int

    def rows(self) -> list[tuple[str, ...]]:
        mass = self.self_attention
        return [
            ("statistic", "value"),
            ("entropy, % of uniform", percent(self.entropy)),
            ("class token on itself, %", "-" if mass is None else percent(mass)),
            ("variance explained by position, %", percent(self.position)),
            ("correlation under a flip", _two_digits(self.flip)),
            ("correlation under a shift by one patch", _two_digits(self.shift)),
        ]


def attention_statistics(
    source: Source,
    images: Array,
    *,
    patch_size: Size | None = None,
    batch_size: int = 64,
) -> AttentionStatisticsResult:
    """Measures how sharp, how dependent on content and how stable attention maps are.

    The scores of each image are scaled to sum 1. With `p[b, n]` for image `b` and patch
    `n` of `N`, and `m[n]` for the mean map of all images:

    - `entropy` is the mean over `b` of `-sum(p[b] * log(p[b])) / log(N)`;
    - `position` is `sum_n (m[n] - 1 / N) ** 2 / mean_b sum_n (p[b, n] - 1 / N) ** 2`.
      It is 1 if all images have the same map. With few images it is too high: maps of
      pure noise give about `1 / images`;
    - `flip` is the correlation over the patches of the map of an image with the map of
      the mirrored image, mirrored back;
    - `shift` is the correlation of the two maps over the patches that both images
      show, after a shift by one patch down and to the right. A mirrored border fills
      the space. An axis with one patch is not shifted.

    Correlations are computed image by image and averaged. Pairs in which a map is
    constant have no correlation and are left out.

    Args:
        source: As in `foreground`.
        images: `(images, height, width, channels)`, at least two, as the source
            expects them.
        patch_size: Int or pair of ints, the patch of a source that holds no `MAE`.
            `None` means square patches.
        batch_size: Int.

    Returns:
        An `AttentionStatisticsResult`.

    Raises:
        ValueError: If an argument or the scores are bad. All scores of an image being
            0 is an error here.

    Example:

    >>> keras_mra.evaluation.attention_statistics(mae, images).position
    """
    attend = AttentionSource(source, patch_size, batch_size)
    images = attend.check_images(images)
    check_number_of_images(images)
    return describe_attention(attend, images, *attend(images))


def describe_attention(
    attend: AttentionSource,
    images: NDArray[Any],
    scores: NDArray[np.float64],
    to_itself: NDArray[np.float64] | None,
) -> AttentionStatisticsResult:
    """Does what `attention_statistics` does, for scores that are computed already.

    Args:
        attend: The source.
        images: Array of shape `(images, height, width, channels)`, checked.
        scores: What `attend(images)` returns, of shape `(images, patches)`.
        to_itself: The second array that it returns, or `None`.
    """
    maps = _distributions(scores)  # (B, N)
    size = attend.patches_of(images, maps.shape[1])
    grid = tuple(s // p for s, p in zip(images.shape[1:3], size))
    flipped = _distributions(attend(np.flip(images, axis=2).copy())[0])
    steps = tuple(int(patches > 1) for patches in grid)
    moved = _distributions(attend(shifted(images, steps, size))[0])
    maps, flipped, moved = (x.reshape(-1, *grid) for x in (maps, flipped, moved))
    here = maps[:, : grid[0] - steps[0], : grid[1] - steps[1]]
    return AttentionStatisticsResult(
        entropy=relative_entropy(maps),
        self_attention=None if to_itself is None else float(to_itself.mean()),
        position=explained_by_position(maps),
        flip=mean_correlation(maps, np.flip(flipped, axis=2)),
        shift=mean_correlation(here, moved[:, steps[0] :, steps[1] :]),
        images=len(images),
    )


def check_number_of_images(images: NDArray[Any]) -> None:
    """Refuses a single image, whose map cannot be compared with another."""
    if len(images) < 2:
        raise ValueError(
            "`images` must hold at least two images, because their maps are compared. "
            f"Received: shape {images.shape}"
        )


def _distributions(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scales the scores of each image to sum 1: `(B, N)` to `(B, N)`."""
    sums = scores.sum(axis=1, keepdims=True)
    if not sums.all():
        raise ValueError(
            "`source` must return a score above 0 for each image. Received: only zeros "
            f"for {(sums == 0).sum()} of {len(scores)} images"
        )
    maps: NDArray[np.float64] = scores / sums
    return maps


def shifted(
    images: NDArray[Any], steps: tuple[int, ...], patch_size: tuple[int, int]
) -> NDArray[Any]:
    """Moves images down and to the right by whole patches; a mirror fills the space."""
    amounts = [step * patch for step, patch in zip(steps, patch_size)]
    padding = [(0, 0), *((amount, 0) for amount in amounts), (0, 0)]
    height, width = images.shape[1:3]
    return np.pad(images, padding, mode="symmetric")[:, :height, :width]


def relative_entropy(maps: NDArray[np.float64]) -> float:
    """The mean entropy of maps `(B, ...)` of sum 1, relative to a uniform map."""
    flat = maps.reshape(len(maps), -1)
    logs = np.log(flat, out=np.zeros_like(flat), where=flat > 0)
    entropy = -(flat * logs).sum(axis=1).mean()
    return max(0.0, float(entropy / np.log(flat.shape[1])))  # never -0.0


def explained_by_position(maps: NDArray[np.float64]) -> float:
    """The share of the variance of maps `(B, ...)` that lies in their mean map.

    It is the variance of the mean map over the patches, divided by the variance of all
    maps over images and patches. Maps that are all constant are the same map: 1.
    """
    total = maps.var()
    if total <= (CONSTANT * maps.mean()) ** 2:
        return 1.0
    return float(maps.mean(axis=0).var() / total)


def mean_correlation(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> float | None:
    """The correlation of each pair of maps `(B, ...)`, averaged over the pairs."""
    pairs = []
    for maps in (first, second):
        flat = maps.reshape(len(maps), -1)
        mean = flat.mean(axis=1, keepdims=True)
        spread = flat.std(axis=1, keepdims=True)
        varies = spread > CONSTANT * mean
        # Standard scores; NaN marks the maps without a correlation.
        pairs.append((flat - mean) / np.where(varies, spread, np.nan))
    correlations = (pairs[0] * pairs[1]).mean(axis=1)
    found = correlations[np.isfinite(correlations)]
    return float(found.mean()) if len(found) else None


def _two_digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
