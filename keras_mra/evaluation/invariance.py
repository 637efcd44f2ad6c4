"""A linear probe that is trained on clean images and tested on changed ones."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.features import Encoder
from keras_mra.evaluation.features import feature_extractor
from keras_mra.evaluation.fit_probe import check_probe
from keras_mra.evaluation.fit_probe import choose_solver
from keras_mra.evaluation.fit_probe import fit_probe
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import encoded
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import accuracy
from keras_mra.evaluation.result import percent
from keras_mra.evaluation.transforms import Transform
from keras_mra.evaluation.transforms import default_transforms


@dataclasses.dataclass(frozen=True)
class InvarianceResult(Result):
    """The result of `invariance`.

    Attributes:
        accuracy: Dict from `"clean"` and the name of each transform to the accuracy.
        solver: `"lbfgs"` or `"sgd"`.
        C: Float.
        dim: Int, the width of the features.
        train_images, test_images, seed: Ints.
    """

    protocol = "invariance"

    accuracy: dict[str, float]
    solver: str
    C: float
    dim: int
    train_images: int
    test_images: int
    seed: int

    def rows(self) -> list[tuple[str, ...]]:
        clean = self.accuracy["clean"]
        return [
            ("test images", "accuracy %", "change"),
            *(
                (name, percent(value), f"{100 * (value - clean):+.2f}")
                for name, value in self.accuracy.items()
            ),
        ]


def invariance(
    encoder: Encoder,
    train: LabelledData,
    test: LabelledData,
    pool: str = "cls+mean",
    *,
    transforms: Mapping[str, Transform] | None = None,
    value_range: tuple[float, float] | None = None,
    C: float = 1.0,
    solver: str = "auto",
    max_iterations: int | None = None,
    batch_size: int = 256,
    seed: int = 0,
) -> InvarianceResult:
    """Trains a linear probe on clean images and tests it on changed ones.

    The default transforms are: a shift by up to an eighth of each side; a horizontal
    flip; a crop to 50 to 100 % of the area; a rotation by up to 15 degrees; contrast
    (0.5 to 1.5) and brightness (up to a fifth of the range); a cutout (a square of half
    the shorter side); and a border (6 of 28 pixels, MRA's boundary occlusion). The seed
    determines the change of each image, so encoders that get the same seed see the same
    images. The probe needs scikit-learn: `pip install 'keras-mra[evaluation]'`.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, or function of a NumPy batch.
        train: Pair of images and integer labels, or of features `(images, dim)` and
            labels.
        test: Pair of images `(batch, height, width, channels)` and integer labels.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        transforms: Dict from names to functions of `(images, rng)` that return images;
            `rng` is a `numpy.random.Generator`. `None` means the default transforms.
        value_range: Pair of floats, the range of the images. `None` means the range of
            the `MAE`, or (0, 255) for other encoders.
        C: Float, the inverse of the strength of regularisation, as scikit-learn
            defines it.
        solver: As in `linear_probe`.
        max_iterations: As in `linear_probe`.
        batch_size: Int, for the encoder.
        seed: Int.

    Returns:
        An `InvarianceResult`.

    Raises:
        ValueError: If an argument, the images or the features are bad. The message
            names it.
        ImportError: If scikit-learn is not installed.

    Example:

    >>> print(keras_mra.evaluation.invariance(mae, train, test))
    """
    check_probe(C, max_iterations, solver)
    checks.required_seed(seed)
    _check_transforms(transforms)
    extract = feature_extractor(encoder, pool, batch_size)
    images, _ = labelled("test", test)
    checks.image_batch(images, (None, None, None), "test")
    if value_range is None:
        value_range = (0, 255) if extract.mae is None else extract.mae.value_range
    value_range = checks.value_range(value_range)
    checks.pixel_values(images, value_range, "test")
    train_features, train_labels, test_features, test_labels = encoded(
        extract, train, test, pool, batch_size
    )
    if transforms is None:
        transforms = default_transforms(value_range)
    solver = choose_solver(solver, train_features.size)
    probe = fit_probe(train_features, train_labels, C, max_iterations, solver, seed)
    found = {"clean": accuracy(probe.predict(test_features), test_labels)}
    for name, transform in transforms.items():
        # The stream depends on the name alone, not on the other transforms.
        rng = np.random.default_rng([seed, *name.encode()])
        try:
            changed = transform(images, rng)
        except Exception as error:  # whatever a function of the user's raises
            raise ValueError(
                "`transforms` must be functions of (images, rng) that return images. "
                f"Received: an error from {name!r}, {error}"
            ) from error
        changed = extract(changed, f"test under {name}")
        found[name] = accuracy(probe.predict(changed), test_labels)
    return InvarianceResult(
        accuracy=found,
        solver=solver,
        C=float(C),
        dim=train_features.shape[1],
        train_images=len(train_labels),
        test_images=len(test_labels),
        seed=seed,
    )


def _check_transforms(transforms: Any) -> None:
    """Refuses anything but a dict from names to functions, or `None`."""
    is_dict = isinstance(transforms, Mapping)
    if transforms is None or (
        is_dict
        and all(isinstance(name, str) and callable(t) for name, t in transforms.items())
    ):
        return
    raise ValueError(
        "`transforms` must be a dict from names to functions of (images, rng), or "
        f"None. Received: transforms={transforms!r} (of type "
        f"{type(transforms).__name__})"
    )
