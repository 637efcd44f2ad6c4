"""A probe trained on clean images, tested on changed ones."""

import dataclasses

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.features import feature_extractor
from keras_mra.evaluation.labelled import check_seed
from keras_mra.evaluation.labelled import encoded
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.probe import check_probe
from keras_mra.evaluation.probe import choose_solver
from keras_mra.evaluation.probe import fit_probe
from keras_mra.evaluation.results import Result
from keras_mra.evaluation.results import accuracy
from keras_mra.evaluation.results import percent
from keras_mra.evaluation.transforms import default_transforms


@dataclasses.dataclass(frozen=True)
class InvarianceResult(Result):
    """What `invariance` measured.

    Attributes:
        accuracy: Dict from `"clean"` and each transform's name to the accuracy.
        solver: `"lbfgs"` or `"sgd"`.
        C: Float.
        dim: Int, width of the features.
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

    def rows(self):
        clean = self.accuracy["clean"]
        return [
            ("test images", "accuracy %", "change"),
            *(
                (name, percent(value), f"{100 * (value - clean):+.2f}")
                for name, value in self.accuracy.items()
            ),
        ]


def invariance(
    encoder,
    train,
    test,
    pool="cls+mean",
    *,
    transforms=None,
    value_range=None,
    C=1.0,
    solver="auto",
    max_iterations=None,
    batch_size=256,
    seed=0,
):
    """Trains a linear probe on clean images and tests it on changed ones.

    By default test images are shifted by up to an eighth of each side, flipped left
    and right, cropped to 50 to 100 % of the area, rotated by up to 15 degrees, changed
    in contrast (0.5 to 1.5) and brightness (up to a fifth of the range), cut out (a
    square of half the shorter side) and framed (MRA's boundary occlusion, 6 of 28
    pixels). The seed decides how, for each image; encoders given the same seed see the
    same images. Needs scikit-learn: `pip install 'keras-mra[evaluation]'`.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, or function of a NumPy batch.
        train: Pair of images and integer labels, or of features `(images, dim)` and
            labels.
        test: Pair of images `(batch, height, width, channels)` and integer labels.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        transforms: Dict from names to functions of `(images, rng)`, where `rng` is a
            `numpy.random.Generator`, that return images; or `None` for the above.
        value_range: Pair of floats, the range of the images; `None` for the `MAE`'s
            own, or (0, 255).
        C: Float, the inverse of the strength of regularisation, as scikit-learn
            defines it.
        solver: As in `linear_probe`.
        max_iterations: As in `linear_probe`.
        batch_size: Int, for the encoder.
        seed: Int.

    Returns:
        An `InvarianceResult`.

    Raises:
        ValueError: If an argument, the images or the features are bad, naming which.
        ImportError: If scikit-learn is not installed.

    Example:

    >>> print(keras_mra.evaluation.invariance(mae, train, test))
    """
    check_probe(C, max_iterations, solver)
    check_seed(seed)
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
        # A stream of its own, whatever else is tested.
        rng = np.random.default_rng([seed, *name.encode()])
        changed = extract(transform(images, rng), f"test under {name}")
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
