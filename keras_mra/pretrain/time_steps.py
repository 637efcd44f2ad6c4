"""`seconds_per_step`: a few training steps that leave no trace but their duration."""

import time
from typing import Any

import keras

from keras_mra.pretrain.training_state import read_state
from keras_mra.pretrain.training_state import state_variables
from keras_mra.pretrain.training_state import write_state

# The first execution compiles and is not counted.
TIMED_EXECUTIONS = 3


def seconds_per_step(
    model: keras.Model, batches: Any, first_images: Any, steps_per_execution: int = 1
) -> float:
    """Trains a few steps on the first batch, and restores the state of the training.

    `fit` uses the compiled step again, so the steps cost no second compilation. The
    global random state of PyTorch, from which a `DataLoader` draws its order, moves on.

    Args:
        model: Compiled Keras model whose optimizer is built.
        batches: What `fit` takes. Only a `PyDataset` is read, because other streams
            draw random numbers when they are.
        first_images: Array, the images of the first batch.
        steps_per_execution: Int, that of the compiled model.

    Returns:
        Float, the mean duration of a step after the first execution, in seconds, with
        the time that a `PyDataset` takes to read a batch.
    """
    started = time.perf_counter()
    first = batches[0] if isinstance(batches, keras.utils.PyDataset) else first_images
    reading = time.perf_counter() - started
    variables = state_variables(model)
    state = read_state(variables)
    clock = _Clock()
    repeated = _Repeated(first, TIMED_EXECUTIONS * steps_per_execution)
    model.fit(repeated, callbacks=[clock], shuffle=False, verbose=0)
    write_state(variables, state)
    executions = max(1, len(clock.ends) - 1)
    step = (clock.ends[-1] - clock.ends[0]) / (executions * steps_per_execution)
    return reading + step


class _Clock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        float((logs or {})["loss"])  # waits for the device
        self.ends.append(time.perf_counter())


class _Repeated(keras.utils.PyDataset):
    """One batch, several times."""

    def __init__(self, batch: Any, times: int) -> None:
        super().__init__()
        self.batch = batch
        self.times = times

    def __len__(self) -> int:
        return self.times

    def __getitem__(self, index: int) -> Any:
        return self.batch
