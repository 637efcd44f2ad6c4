"""The linear classifier that `linear_probe`, `low_shot` and `invariance` fit."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.datasets import ArrayDataset

SOLVERS = ("auto", "lbfgs", "sgd")
# Feature values, a gibibyte of float32, up to which "auto" chooses "lbfgs".
LBFGS_LIMIT = 2**28
ITERATIONS = {"lbfgs": 1000, "sgd": 30}
BATCH_SIZE = 1024
# Classes up to which one thread is fastest: the products of the solver are too narrow
# for OpenBLAS's threads, which wait for each other. With two threads on two cores, 600
# to 60,000 images took 2 to 15 times as long with 10 classes, twice as long with 100,
# and five sixths of the time with 1000.
NARROW = 100


@dataclasses.dataclass(frozen=True)
class Probe:
    """A fitted linear classifier.

    Attributes:
        predict: Function of features `(images, dim)` to labels `(images,)`.
        iterations: Int, the iterations or epochs of the solver.
    """

    predict: Callable[[NDArray[Any]], NDArray[Any]]
    iterations: int


def check_probe(C: float, max_iterations: int | None, solver: str = "lbfgs") -> None:
    """Refuses bad arguments of `fit_probe` before any feature is computed."""
    checks.positive_float("C", C)
    if max_iterations is not None:
        checks.positive_int("max_iterations", max_iterations)
    checks.choice("solver", solver, SOLVERS)
    _sklearn()


def choose_solver(solver: str, size: int) -> str:
    """Resolves `"auto"` by the number of feature values."""
    if solver != "auto":
        return solver
    return "lbfgs" if size <= LBFGS_LIMIT else "sgd"


def fit_probe(
    features: NDArray[Any],
    labels: NDArray[Any],
    C: float,
    max_iterations: int | None = None,
    solver: str = "lbfgs",
    seed: int = 0,
) -> Probe:
    """Standardises features and fits multinomial logistic regression to them.

    Both solvers minimise scikit-learn's objective: the mean cross-entropy plus
    `|weights|^2 / (2 * C * images)`.

    Args:
        features: Array of shape `(images, dim)`.
        labels: Integers of shape `(images,)`.
        C: Float, the inverse of the strength of regularisation.
        max_iterations: Int, iterations of `"lbfgs"` or epochs of `"sgd"`. `None` means
            at most 1000 iterations, or 30 epochs.
        solver: `"lbfgs"`, scikit-learn's, or `"sgd"`, stochastic gradient descent
            (Adam) on the accelerator.
        seed: Int, for the order of the images in `"sgd"`.

    Returns:
        A `Probe`.
    """
    linear_model, preprocessing, threadpool_limits = _sklearn()
    iterations = max_iterations or ITERATIONS[solver]
    scaler = preprocessing.StandardScaler().fit(features)
    if solver == "sgd":
        return _fit_by_sgd(scaler, features, labels, C, iterations, seed)
    classifier = linear_model.LogisticRegression(C=C, max_iter=iterations)
    threads = 1 if len(np.unique(labels)) <= NARROW else None
    with threadpool_limits(threads, user_api="blas"):
        classifier.fit(scaler.transform(features), labels)
    return Probe(
        predict=lambda features: classifier.predict(scaler.transform(features)),
        iterations=int(classifier.n_iter_.max()),
    )


def _fit_by_sgd(
    scaler: Any,
    features: NDArray[Any],
    labels: NDArray[Any],
    C: float,
    epochs: int,
    seed: int,
) -> Probe:
    classes, codes = np.unique(labels, return_inverse=True)
    batches = ArrayDataset(
        features, codes, batch_size=min(BATCH_SIZE, len(features)), seed=seed
    )
    model = keras.Sequential(
        [
            keras.Input((features.shape[1],), dtype="float32"),
            keras.layers.Normalization(
                mean=scaler.mean_, variance=scaler.var_, dtype="float32"
            ),
            keras.layers.Dense(
                len(classes),
                activation="softmax",
                kernel_initializer="zeros",
                kernel_regularizer=keras.regularizers.L2(0.5 / (C * len(features))),
                dtype="float32",
            ),
        ]
    )
    # A high rate at first, because features are correlated: in some directions the
    # optimum is far from zero.
    rate = keras.optimizers.schedules.CosineDecay(3e-2, epochs * len(batches))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0)

    def predict(features: NDArray[Any]) -> NDArray[Any]:
        probabilities = model.predict(features, batch_size=BATCH_SIZE, verbose=0)
        answers: NDArray[Any] = classes[probabilities.argmax(axis=1)]
        return answers

    return Probe(predict, epochs)


def _sklearn() -> tuple[Any, Any, Any]:
    try:
        from sklearn import linear_model
        from sklearn import preprocessing
        from threadpoolctl import threadpool_limits  # scikit-learn's own dependency
    except ImportError as error:
        raise ImportError(
            "Linear probes need scikit-learn: pip install 'keras-mra[evaluation]'"
        ) from error
    return linear_model, preprocessing, threadpool_limits
