"""`EndsBetweenSteps`: a training that is interrupted ends after a step."""

from typing import Any

import keras

from keras_mra_cli import interruption


class EndsBetweenSteps(keras.callbacks.Callback):
    """Ends a training after the step in which Ctrl+C or SIGTERM came.

    Inside a step, the error could be raised in a library's own callback, which prints a
    traceback and goes on.
    """

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        interruption.wait_for_the_step(True)

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if interruption.has_come():
            interruption.wait_for_the_step(False)
            raise KeyboardInterrupt

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        interruption.wait_for_the_step(False)
