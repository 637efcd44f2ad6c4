"""Linear probe: logistic regression on the features of a frozen encoder."""

import dataclasses

from keras_mra import checks
from keras_mra.evaluation.features import Encoder
from keras_mra.evaluation.fit_probe import check_probe
from keras_mra.evaluation.fit_probe import choose_solver
from keras_mra.evaluation.fit_probe import fit_probe
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import encoded
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import accuracy
from keras_mra.evaluation.result import percent


@dataclasses.dataclass(frozen=True)
class LinearProbeResult(Result):
    """The result of `linear_probe`.

    Attributes:
        accuracy: Float, on the test images.
        train_accuracy: Float.
        solver: `"lbfgs"` or `"sgd"`.
        iterations: Int, the iterations of `"lbfgs"` or the epochs of `"sgd"`.
        C: Float.
        dim: Int, the width of the features.
        train_images, test_images: Ints.
    """

    protocol = "linear_probe"

    accuracy: float
    train_accuracy: float
    solver: str
    iterations: int
    C: float
    dim: int
    train_images: int
    test_images: int

    def rows(self) -> list[tuple[str, ...]]:
        return [
            ("linear probe", "accuracy %"),
            (f"test, {self.test_images} images", percent(self.accuracy)),
            (f"train, {self.train_images} images", percent(self.train_accuracy)),
        ]


def linear_probe(
    encoder: Encoder,
    train: LabelledData,
    test: LabelledData,
    pool: str = "cls+mean",
    *,
    C: float = 1.0,
    solver: str = "auto",
    max_iterations: int | None = None,
    batch_size: int = 256,
    seed: int = 0,
) -> LinearProbeResult:
    """Fits logistic regression to standardised features, and tests it.

    The features are computed once. Their mean and deviation come from the training
    images. The probe needs scikit-learn: `pip install 'keras-mra[evaluation]'`.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` if the data are features.
        train: Pair of images and integer labels, or of features `(images, dim)` and
            labels.
        test: Pair of the same kind.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        C: Float, the inverse of the strength of regularisation, as scikit-learn
            defines it.
        solver: `"lbfgs"`, scikit-learn's; `"sgd"`, Adam on minibatches, for data sets
            that are too large for `"lbfgs"`; or `"auto"`, which is `"lbfgs"` up to a
            gibibyte of features.
        max_iterations: Int, iterations of `"lbfgs"` or epochs of `"sgd"`. `None` means
            at most 1000 iterations, or 30 epochs.
        batch_size: Int, for the encoder.
        seed: Int, for the order of the images in `"sgd"`.

    Returns:
        A `LinearProbeResult`.

    Raises:
        ValueError: If an argument or the features are bad. The message names it.
        ImportError: If scikit-learn is not installed.

    Example:

    ```python
    result = keras_mra.evaluation.linear_probe(mae, train, test)
    print(result)
    result.save("linear_probe.json")
    ```
    """
    check_probe(C, max_iterations, solver)
    checks.required_seed(seed)
    train_features, train_labels, test_features, test_labels = encoded(
        encoder, train, test, pool, batch_size
    )
    solver = choose_solver(solver, train_features.size)
    probe = fit_probe(train_features, train_labels, C, max_iterations, solver, seed)
    return LinearProbeResult(
        accuracy=accuracy(probe.predict(test_features), test_labels),
        train_accuracy=accuracy(probe.predict(train_features), train_labels),
        solver=solver,
        iterations=probe.iterations,
        C=float(C),
        dim=train_features.shape[1],
        train_images=len(train_labels),
        test_images=len(test_labels),
    )
