"""Linear probe: logistic regression on frozen features."""

import dataclasses

from keras_mra.evaluation.labelled import check_seed
from keras_mra.evaluation.labelled import encoded
from keras_mra.evaluation.probe import check_probe
from keras_mra.evaluation.probe import choose_solver
from keras_mra.evaluation.probe import fit_probe
from keras_mra.evaluation.results import Result
from keras_mra.evaluation.results import accuracy
from keras_mra.evaluation.results import percent


@dataclasses.dataclass(frozen=True)
class LinearProbeResult(Result):
    """What `linear_probe` measured.

    Attributes:
        accuracy: Float, on the test images.
        train_accuracy: Float.
        solver: `"lbfgs"` or `"sgd"`.
        iterations: Int, what the solver took; epochs of `"sgd"`.
        C: Float.
        dim: Int, width of the features.
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

    def rows(self):
        return [
            ("linear probe", "accuracy %"),
            (f"test, {self.test_images} images", percent(self.accuracy)),
            (f"train, {self.train_images} images", percent(self.train_accuracy)),
        ]


def linear_probe(
    encoder,
    train,
    test,
    pool="cls+mean",
    *,
    C=1.0,
    solver="auto",
    max_iterations=None,
    batch_size=256,
    seed=0,
):
    """Fits logistic regression to standardised features, and tests it.

    Features are computed once; mean and deviation are those of the training features.
    Needs scikit-learn: `pip install 'keras-mra[evaluation]'`.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` where the data are features.
        train: Pair of images and integer labels, or of features `(images, dim)` and
            labels.
        test: Likewise.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        C: Float, the inverse of the strength of regularisation, as scikit-learn
            defines it.
        solver: `"lbfgs"`, scikit-learn's; `"sgd"`, Adam on minibatches, for sets too
            large for the former; or `"auto"`, the first up to a gibibyte of features.
        max_iterations: Int, iterations of `"lbfgs"` or epochs of `"sgd"`; `None` for
            at most 1000 and for 30.
        batch_size: Int, for the encoder.
        seed: Int, the order of `"sgd"`.

    Returns:
        A `LinearProbeResult`.

    Raises:
        ValueError: If an argument or the features are bad, naming which.
        ImportError: If scikit-learn is not installed.

    Example:

    ```python
    result = keras_mra.evaluation.linear_probe(mae, train, test)
    print(result)
    result.save("linear_probe.json")
    ```
    """
    check_probe(C, max_iterations, solver)
    check_seed(seed)
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
