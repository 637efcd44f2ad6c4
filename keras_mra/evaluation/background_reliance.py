"""How much a classifier relies on the background of the object."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra import patches
from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.attention_source import Source
from keras_mra.evaluation.foreground import check_masks
from keras_mra.evaluation.kept_patches import kept_patches
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import percent
from keras_mra.evaluation.wrong_answers import WrongAnswers
from keras_mra.typing import Array

VERSIONS = {
    "original": "as it is",
    "same_class": "background of another image of the class",
    "other_class": "background of an image of another class",
    "removed": "background in its mean colour",
    "object_removed": "object in the mean colour of the background",
}


@dataclasses.dataclass(frozen=True)
class BackgroundResult(Result):
    """The result of `background_reliance`.

    Attributes:
        error: Dict from the versions of the images, `"original"`, `"same_class"`,
            `"other_class"`, `"removed"` and `"object_removed"`, to the share of wrong
            answers.
        reliance: Float, the error with backgrounds of other classes minus that with
            other backgrounds of the same class. 0 means that the background does not
            speak for a class.
        images: Int, the images that were used.
        left_out: Int, the images without an object or without a background.
        seed: Int.
    """

    protocol = "background_reliance"

    error: dict[str, float]
    reliance: float
    images: int
    left_out: int
    seed: int

    def rows(self) -> list[tuple[str, ...]]:
        """The table that `print` shows: rows of strings, the heading first."""
        return [
            ("image", "error %"),
            *((VERSIONS[name], percent(share)) for name, share in self.error.items()),
            ("reliance on the background", percent(self.reliance)),
        ]


def background_reliance(
    classifier: keras.Model | Callable[[NDArray[Any]], Array],
    data: LabelledData,
    masks: Array,
    *,
    batch_size: int = 256,
    seed: int = 0,
) -> BackgroundResult:
    """Measures a classifier's error when backgrounds are swapped or removed.

    The object of an image, the pixels where its mask is at least 0.5, stays. The
    background comes from another image, whose own object is filled with the mean colour
    of its background. The idea is that of the backgrounds challenge (Xiao et al., 2020,
    arXiv 2006.09994), whose gap between backgrounds of the same and of random classes
    corresponds to `reliance`.

    Args:
        classifier: Keras model, or function of a NumPy batch, that returns a score for
            each class, `(batch, classes)`.
        data: Pair of images `(images, height, width, channels)` and integer labels,
            which are indices of the scores.
        masks: `(images, height, width)`, bool, or numbers from 0 to 1, where 1 is the
            object. `attended_masks` gives those of an attention.
        batch_size: Int.
        seed: Int, at least 0. It decides whose background an image gets.

    Returns:
        A `BackgroundResult`.

    Raises:
        ValueError: If an argument or the data are bad, or if fewer than two classes, or
            fewer than two images of a class, have both an object and a background.

    Example:

    ```python
    masks = keras_mra.evaluation.attended_masks(mae, images, mask_ratio=0.6)
    result = keras_mra.evaluation.background_reliance(model, (images, labels), masks)
    print(result)
    ```
    """
    rng = np.random.default_rng(checks.required_seed(seed))
    images, labels = labelled("data", data)
    checks.image_batch(images, (None, None, None), "data")
    inside = check_masks(masks, images) >= 0.5  # (B, H, W)
    share = inside.mean(axis=(1, 2))
    usable = (share > 0) & (share < 1)
    images, labels, inside = images[usable], labels[usable], inside[usable, ..., None]
    _check_classes(labels)
    wrong = WrongAnswers(classifier, labels, batch_size)
    color = _background_color(images, inside)
    without = np.where(inside, color, images)

    def on_backgrounds_of(others: NDArray[np.intp]) -> NDArray[Any]:
        return np.where(inside, images, without[others])

    error = {
        "original": wrong(images),
        "same_class": wrong(on_backgrounds_of(_partners(labels, rng, same=True))),
        "other_class": wrong(on_backgrounds_of(_partners(labels, rng, same=False))),
        "removed": wrong(np.where(inside, images, color)),
        "object_removed": wrong(without),
    }
    return BackgroundResult(
        error=error,
        reliance=error["other_class"] - error["same_class"],
        images=len(images),
        left_out=int((~usable).sum()),
        seed=seed,
    )


def attended_masks(
    source: Source, images: Array, mask_ratio: float = 0.4, *, batch_size: int = 64
) -> NDArray[np.bool_]:
    """Masks of the most attended patches, which stand in for the object.

    Args:
        source: `MAE`, `MSA`, `MaskReconstruct`, or another source of attention, as in
            `foreground`.
        images: `(images, height, width, channels)`, as the source takes them.
        mask_ratio: Float in (0, 1), the share of the patches that are background.
        batch_size: Int.

    Returns:
        Bool array of shape `(images, height, width)`, true in the patches that stay.

    Raises:
        ValueError: If an argument or the images are bad.

    Example:

    >>> masks = keras_mra.evaluation.attended_masks(mae, images, mask_ratio=0.6)
    """
    attend = AttentionSource(source, batch_size=batch_size)
    images = attend.check_images(images)
    scores, _ = attend(images)  # (B, N)
    size, grid = images.shape[1:3], attend.grid
    if grid is None:
        patch = attend.patches_of(images, scores.shape[1])
        grid = size[0] // patch[0], size[1] // patch[1]
    visible = kept_patches(scores, mask_ratio, "attention", seed=0)
    mask = patches.visible_pixels(visible, grid, size)  # (B, H, W, 1)
    return ops.convert_to_numpy(mask)[..., 0]


def on_other_backgrounds(
    images: NDArray[Any], labels: NDArray[Any], masks: NDArray[np.bool_], seed: int = 0
) -> NDArray[Any]:
    """The images with the backgrounds of images of other classes.

    Args:
        images: `(images, height, width, channels)`.
        labels: Integers `(images,)`, of two classes at least.
        masks: Bool `(images, height, width)`, true on the objects.
        seed: Int. It decides whose background an image gets.
    """
    inside = masks[..., None]  # (B, H, W, 1)
    others = _partners(labels, np.random.default_rng(seed), same=False)
    without = np.where(inside, _background_color(images, inside), images)
    return np.where(inside, images, without[others])


def _background_color(images: NDArray[Any], inside: NDArray[np.bool_]) -> NDArray[Any]:
    """The mean color outside of each object, `(B, 1, 1, C)`; 0 where all is inside."""
    area = (~inside).sum(axis=(1, 2), keepdims=True)
    total = images.sum(axis=(1, 2), where=~inside, dtype="float64", keepdims=True)
    mean = total / np.maximum(area, 1)
    if np.issubdtype(images.dtype, np.integer):
        mean = np.rint(mean)
    return mean.astype(images.dtype)


def _partners(
    labels: NDArray[Any], rng: np.random.Generator, same: bool
) -> NDArray[np.intp]:
    """For each image, another one at random, of the same class or of another one."""
    chosen = np.empty(len(labels), np.intp)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        if same:
            # A shift by less than the length never gives an image itself.
            shifts = rng.integers(1, len(places), len(places))
            chosen[places] = places[(np.arange(len(places)) + shifts) % len(places)]
        else:
            chosen[places] = rng.choice(np.flatnonzero(labels != label), len(places))
    return chosen


def _check_classes(labels: NDArray[Any]) -> None:
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2 or counts.min() < 2:
        raise ValueError(
            "`data` must have two classes at least, with two images each that have an "
            f"object and a background. Received: {len(classes)} classes"
            + (f", {counts.min()} images of class {classes[counts.argmin()]}"
               if len(classes) else "")
        )  # fmt: skip
