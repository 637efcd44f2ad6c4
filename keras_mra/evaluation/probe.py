"""The linear classifier that three of the protocols share."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

from keras_mra import checks
from keras_mra.datasets import ArrayDataset

SOLVERS = ("auto", "lbfgs", "sgd")
# Feature values, a gibibyte of float32, up to which every iteration may see them all.
LBFGS_LIMIT = 2**28
ITERATIONS = {"lbfgs": 1000, "sgd": 30}
BATCH_SIZE = 1024
# Classes up to which the solver's products are too narrow for OpenBLAS's threads, which
# wait for each other: on two cores 600 to 60,000 images took 2 to 15 times as long with
# 10 classes, and twice as long with 100; with 1000 the threads gain a sixth.
NARROW = 100


@dataclasses.dataclass(frozen=True)
class Probe:
    """A fitted linear classifier.

    Attributes:
        predict: Function of features `(images, dim)` to labels `(images,)`.
        iterations: Int, what the solver took.
    """

    predict: Callable
    iterations: int


def check_probe(C, max_iterations, solver="lbfgs"):
    """Refuses bad arguments of `fit_probe` before any feature is computed."""
    checks.positive_float("C", C)
    if max_iterations is not None:
        checks.positive_int("max_iterations", max_iterations)
    if solver not in SOLVERS:
        raise ValueError(
            f"`solver` must be one of {', '.join(map(repr, SOLVERS))}. "
            f"Received: solver={solver!r}"
        )
    _sklearn()


def choose_solver(solver, size):
    """Resolves `"auto"` by the number of feature values."""
    if solver != "auto":
        return solver
    return "lbfgs" if size <= LBFGS_LIMIT else "sgd"


def fit_probe(features, labels, C, max_iterations=None, solver="lbfgs", seed=0):
    """Standardises features and fits multinomial logistic regression to them.

    Both solvers minimise what scikit-learn does: the mean cross-entropy plus
    `|weights|^2 / (2 * C * images)`.

    Args:
        features: Array of shape `(images, dim)`.
        labels: Integers of shape `(images,)`.
        C: Float, the inverse of the strength of regularisation.
        max_iterations: Int, iterations of `"lbfgs"` or epochs of `"sgd"`; `None` for
            at most 1000 and for 30.
        solver: `"lbfgs"`, scikit-learn's, or `"sgd"`, stochastic gradient descent
            (Adam) on the accelerator.
        seed: Int, the order of `"sgd"`.

    Returns:
        A `Probe`.
    """
    linear_model, preprocessing, threadpool_limits = _sklearn()
    iterations = max_iterations or ITERATIONS[solver]
    scaler = preprocessing.StandardScaler().fit(features)
    if solver == "sgd":
        return _by_sgd(scaler, features, labels, C, iterations, seed)
    classifier = linear_model.LogisticRegression(C=C, max_iter=iterations)
    threads = 1 if len(np.unique(labels)) <= NARROW else None
    with threadpool_limits(threads, user_api="blas"):
        classifier.fit(scaler.transform(features), labels)
    return Probe(
        predict=lambda features: classifier.predict(scaler.transform(features)),
        iterations=int(classifier.n_iter_.max()),
    )


def _by_sgd(scaler, features, labels, C, epochs, seed):
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
    # Far from zero at first: features are correlated, and some directions are long.
    rate = keras.optimizers.schedules.CosineDecay(3e-2, epochs * len(batches))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0)

    def predict(features):
        probabilities = model.predict(features, batch_size=BATCH_SIZE, verbose=0)
        return classes[probabilities.argmax(axis=1)]

    return Probe(predict, epochs)


def _sklearn():
    try:
        from sklearn import linear_model
        from sklearn import preprocessing
        from threadpoolctl import threadpool_limits  # scikit-learn's own dependency
    except ImportError as error:
        raise ImportError(
            "Linear probes need scikit-learn: pip install 'keras-mra[evaluation]'"
        ) from error
    return linear_model, preprocessing, threadpool_limits
