"""Errors under occlusion, the robustness test of MRA's figure 4."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.features import FeatureExtractor
from keras_mra.evaluation.features import mae_of
from keras_mra.evaluation.labelled import check_seed
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.results import Result
from keras_mra.evaluation.results import percent

KINDS = ("boundary", "center", "patches")


@dataclasses.dataclass(frozen=True)
class OcclusionResult(Result):
    """What `occlusion_curve` measured.

    Attributes:
        error: Dict from widths, or shares of the patches, to the share of wrong
            answers.
        kind: `"boundary"`, `"center"` or `"patches"`.
        images, seed: Ints.
    """

    protocol = "occlusion"

    error: dict[float, float]
    kind: str
    images: int
    seed: int

    def rows(self):
        unit = "share of patches" if self.kind == "patches" else "pixels"
        return [
            (f"{self.kind}, {unit}", "error %"),
            *((str(width), percent(value)) for width, value in self.error.items()),
        ]


def occlusion_curve(
    classifier,
    data,
    widths,
    kind="boundary",
    *,
    value=0,
    patch_size=None,
    batch_size=256,
    seed=0,
):
    """Measures a classifier's error on images of which more and more is hidden.

    Args:
        classifier: Keras model, or function of a NumPy batch, from images to a score
            for each class, `(batch, classes)`.
        data: Pair of images `(images, height, width, channels)` and integer labels,
            the places of the classes in the scores.
        widths: Number or sequence of numbers: pixels of the border on each side
            (`"boundary"`), of the side of the square (`"center"`), or shares of the
            patches from 0 to 1 (`"patches"`). 0 hides nothing.
        kind: `"boundary"`, MRA's; `"center"`, a square in the middle; `"patches"`,
            patches at random, those of a larger share among them those of a smaller.
        value: What hidden pixels are filled with, as a rule the least of the range.
        patch_size: Int or pair of ints, for `"patches"`.
        batch_size: Int.
        seed: Int, for `"patches"`.

    Returns:
        An `OcclusionResult`.

    Raises:
        ValueError: If an argument, the images or the scores are bad.

    Example:

    >>> print(keras_mra.evaluation.occlusion_curve(model, data.test, range(0, 10, 2)))
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {KINDS}. Received: kind={kind!r}")
    if not callable(classifier) or mae_of(classifier) is not None:
        raise ValueError(
            "`classifier` must give a score for each class, as a Keras model or a "
            f"function of images. Received: classifier={classifier!r} "
            f"(of type {type(classifier).__name__})"
        )
    if kind == "patches" and patch_size is None:
        raise ValueError(
            "`patch_size` must be given where `kind` is 'patches'. "
            "Received: patch_size=None"
        )
    check_seed(seed)
    widths = tuple(np.atleast_1d(np.asarray(widths)).tolist())
    images, labels = labelled("data", data)
    checks.image_batch(images, (None, None, None), "data")
    occlusions: dict[str, Callable] = {
        "boundary": boundary_occlusion,
        "center": center_occlusion,
        "patches": functools.partial(patch_occlusion, patch_size=patch_size, seed=seed),
    }
    occlude = occlusions[kind]
    for width in widths:  # A bad one is named before the first is measured.
        occlude(images[:1], width, value=value)
    scores_of = FeatureExtractor(classifier, batch_size=batch_size)
    found = {}
    for width in widths:
        scores = scores_of(occlude(images, width, value=value), "data")
        if labels.min() < 0 or labels.max() >= scores.shape[1]:
            raise ValueError(
                "`data` must have labels that are places in the classifier's scores, "
                f"from 0 to {scores.shape[1] - 1}. Received: labels from "
                f"{labels.min()} to {labels.max()}"
            )
        found[width] = float((scores.argmax(axis=1) != labels).mean())
    return OcclusionResult(error=found, kind=kind, images=len(labels), seed=seed)


def boundary_occlusion(images, width, value=0):
    """Blacks out a border.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        width: Int, pixels of the border on each side; at least 0 and less than half
            of the shorter side.
        value: What the border is filled with.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: If the border would cover the image.
    """
    shorter = min(images.shape[1:3])
    if not 0 <= width < shorter / 2:
        raise ValueError(
            f"`width` must be at least 0 and less than half of {shorter} pixels. "
            f"Received: width={width}"
        )
    occluded = np.full_like(images, value)
    inside = (
        slice(width, images.shape[1] - width),
        slice(width, images.shape[2] - width),
    )
    occluded[:, *inside] = images[:, *inside]
    return occluded


def center_occlusion(images, width, value=0):
    """Blacks out a square in the middle.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        width: Int, pixels of the square's side; at least 0 and less than the shorter
            side. Where it cannot be in the middle, it is half a pixel above and left.
        value: What the square is filled with.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: If the square would cover a side of the image.
    """
    height, breadth = images.shape[1:3]
    if not 0 <= width < min(height, breadth):
        raise ValueError(
            "`width` must be at least 0 and less than "
            f"{min(height, breadth)} pixels. Received: width={width}"
        )
    top, left = (height - width) // 2, (breadth - width) // 2
    occluded = images.copy()
    occluded[:, top : top + width, left : left + width] = value
    return occluded


def patch_occlusion(images, ratio, patch_size, seed=0, value=0):
    """Blacks out random patches, others in each image.

    With the same seed, the patches of a larger ratio are those of a smaller one and
    some more.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        ratio: Float in [0, 1], share of the patches, rounded to whole ones.
        patch_size: Int or pair of ints, `(patch_height, patch_width)`; divides the
            images.
        seed: Int.
        value: What the patches are filled with.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: If an argument is bad.
    """
    ratio = checks.fraction("ratio", ratio)
    patch_size = checks.pair_of_ints("patch_size", patch_size)
    rows, columns = checks.patch_grid(images.shape[1:], patch_size)
    draws = np.random.default_rng(check_seed(seed)).random(
        (len(images), rows * columns)
    )
    ranks = draws.argsort(axis=1).argsort(axis=1)  # (batch, patches)
    hidden = (ranks < round(ratio * rows * columns)).reshape(-1, rows, columns)
    for axis, size in enumerate(patch_size, start=1):
        hidden = hidden.repeat(size, axis=axis)  # (batch, height, width), at the end
    return np.where(hidden[..., None], np.asarray(value, images.dtype), images)
