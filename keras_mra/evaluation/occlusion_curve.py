"""The error of a classifier under increasing occlusion (MRA's figure 4)."""

import dataclasses
import functools
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.occlusion import boundary_occlusion
from keras_mra.evaluation.occlusion import center_occlusion
from keras_mra.evaluation.occlusion import patch_occlusion
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import percent
from keras_mra.evaluation.wrong_answers import WrongAnswers
from keras_mra.typing import Array
from keras_mra.typing import Size

KINDS = ("boundary", "center", "patches")


@dataclasses.dataclass(frozen=True)
class OcclusionResult(Result):
    """The result of `occlusion_curve`.

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

    def rows(self) -> list[tuple[str, ...]]:
        unit = "share of patches" if self.kind == "patches" else "pixels"
        return [
            (f"{self.kind}, {unit}", "error %"),
            *((str(width), percent(value)) for width, value in self.error.items()),
        ]


def occlusion_curve(
    classifier: keras.Model | Callable[[NDArray[Any]], Array],
    data: LabelledData,
    widths: float | Sequence[float],
    kind: str = "boundary",
    *,
    value: float = 0,
    patch_size: Size | None = None,
    batch_size: int = 256,
    seed: int = 0,
) -> OcclusionResult:
    """Measures a classifier's error on increasingly occluded images.

    Args:
        classifier: Keras model, or function of a NumPy batch, that returns a score for
            each class, `(batch, classes)`.
        data: Pair of images `(images, height, width, channels)` and integer labels,
            which are indices of the scores.
        widths: Number or sequence of numbers: the pixels of the border on each side
            (`"boundary"`), the side of the square in pixels (`"center"`), or the share
            of the patches from 0 to 1 (`"patches"`). 0 occludes nothing.
        kind: `"boundary"`, MRA's; `"center"`, a square in the centre; `"patches"`,
            random patches. The patches of a larger share include those of a smaller
            one.
        value: The value of occluded pixels, usually the lowest of the range.
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
    checks.choice("kind", kind, KINDS)
    checks.required_seed(seed)
    if patch_size is not None:  # also where it is not used
        checks.pair_of_ints("patch_size", patch_size)
    occlude = _occlusion(kind, patch_size, seed)
    steps = _steps(widths, kind)
    checks.any_number("value", value)
    images, labels = labelled("data", data)
    wrong = WrongAnswers(classifier, labels, batch_size)
    checks.image_batch(images, (None, None, None), "data")
    for width in steps:  # Refuses a bad width before the first measurement.
        occlude(images[:1], width, value=value)
    found = {width: wrong(occlude(images, width, value=value)) for width in steps}
    return OcclusionResult(error=found, kind=kind, images=len(labels), seed=seed)


def _occlusion(
    kind: str, patch_size: Size | None, seed: int
) -> Callable[..., NDArray[Any]]:
    """The function of images, a width and a value that occludes."""
    if kind == "boundary":
        return boundary_occlusion
    if kind == "center":
        return center_occlusion
    if patch_size is None:
        raise ValueError(
            "`patch_size` must be given if `kind` is 'patches'. "
            "Received: patch_size=None"
        )
    return functools.partial(patch_occlusion, patch_size=patch_size, seed=seed)


def _steps(widths: Any, kind: str) -> tuple[float, ...]:
    """The widths as numbers of Python: shares for `"patches"`, otherwise pixels."""
    try:
        values = [widths] if checks.is_number(widths) else list(widths)
    except TypeError:
        values = [widths]
    if not values:
        raise ValueError(
            f"`widths` must hold at least one number. Received: widths={widths!r}"
        )
    if kind == "patches":
        return tuple(checks.fraction("widths", value) for value in values)
    expected = "integers, at least 0: a number of pixels"
    return tuple(checks.integer("widths", value, 0, expected) for value in values)
