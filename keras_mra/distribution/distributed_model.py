"""A Keras model that trains on one device or on many."""

from typing import Any

import keras

from keras_mra import backend
from keras_mra.distribution.engine import engine


class DistributedModel(keras.Model):
    """A `keras.Model` that trains on one device or on many.

    `fit` starts all replicas from one state; only their random seeds differ. On
    PyTorch, gradients and reported metrics are averaged over the processes unless a
    `keras.distribution` is set, which Keras 3.16 supports on PyTorch too.

    Example:

    ```python
    class Classifier(keras_mra.distribution.DistributedModel):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(10)

        def call(self, x):
            return self.dense(x)
    ```
    """

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        if self.compiled:
            start(self)
        return super().fit(*args, **kwargs)

    def train_step(self, *args: Any) -> Any:
        return engine.train_step(self, super().train_step, *args)

    def test_step(self, *args: Any) -> Any:
        return engine.test_step(super().test_step, *args)

    def _maybe_symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        if engine.builds_symbolically():
            super()._maybe_symbolic_build(*args, **kwargs)

    def get_metrics_result(self) -> dict[str, Any]:
        return engine.metrics(super().get_metrics_result())


def start(model: Any) -> None:
    """Gives all replicas the state of the first, and random seeds of their own.

    `DistributedModel.fit` calls it.

    Args:
        model: Compiled model.

    Raises:
        ValueError: If a part of the model was not made for the distribution in force,
            or the model was compiled with an option that it does not support.
    """
    engine.start(model, backend.random_states(model))
