"""`Checkpoint`: the state from which a killed run continues to the same result.

Keras' own `BackupAndRestore` restores neither the state of random generators nor the
order of the data. `Checkpoint` restores both. A checkpoint is one `.npz` file without
pickles, so that loading it runs no code.
"""

import json
import pathlib
import re
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import distribution
from keras_mra import files
from keras_mra.typing import Path

STATE = "training_state.npz"

# Arguments of `MAE` that earlier versions did not have, with what they did instead.
ADDED_ARGUMENTS = {"smooth_fill": False}


class Checkpoint(keras.callbacks.Callback):
    """Saves the training state after each epoch.

    Args:
        folder: Folder of the checkpoint. It is made if it is missing.
        run: Dict that JSON can hold: what defines the run. A checkpoint of another
            run is refused.
    """

    def __init__(self, folder: Path, run: dict[str, Any]):
        super().__init__()
        self.path = pathlib.Path(folder) / STATE
        # NumPy's numbers become Python's.
        self.run = json.loads(json.dumps(run, default=lambda number: number.item()))
        self.logs: dict[str, list[float]] = {}
        self.epochs_done = 0

    def describe(self) -> str:
        """The saved state, in words for a message."""
        if not self.epochs_done:
            return "none, not even the first epoch's"
        return f"{str(self.path)!r}, of epoch {self.epochs_done}"

    def restore(self, model: keras.Model) -> tuple[int, dict[str, list[float]]]:
        """Loads the state into a compiled model.

        Args:
            model: Keras model whose optimizer is built.

        Returns:
            The number of epochs done, and their logs as a dict of lists.

        Raises:
            ValueError: If the checkpoint is unreadable or belongs to another run. The
                message names what differs.
            OSError: If the folder cannot be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"`checkpoint` must be a folder. Received: {str(self.path.parent)!r} "
                f"({error})"
            ) from error
        if distribution.is_main_process():
            files.remove_leftovers(self.path.parent)
        if not self.path.exists():
            return 0, {}
        try:
            with np.load(self.path, allow_pickle=False) as state:
                header = json.loads(str(state["header"]))
                arrays = [state[f"v{i}"] for i in range(len(header["variables"]))]
        except Exception as error:  # NumPy's error depends on the damage.
            raise ValueError(
                f"`checkpoint` {str(self.path)!r} could not be read: {error}. Remove "
                "it to start again."
            ) from error
        self._refuse_another_run(header["run"])
        variables = _variables(model)
        found = [(list(v.shape), _path(v)) for v in variables]
        if found != [(shape, path) for shape, path in header["variables"]]:
            raise ValueError(
                f"`checkpoint` {str(self.path)!r} holds other variables than this "
                "model: it was written for another model or optimizer."
            )
        for variable, array in zip(variables, arrays):
            variable.assign(ops.cast(array, variable.dtype))
        self.logs = header["logs"]
        self.epochs_done = header["epochs_done"]
        return self.epochs_done, self.logs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not distribution.is_main_process():
            return
        for name, value in (logs or {}).items():
            self.logs.setdefault(name, []).append(float(value))
        variables = _variables(self.model)
        header = {
            "run": self.run,
            "epochs_done": epoch + 1,
            "logs": self.logs,
            "variables": [(list(v.shape), _path(v)) for v in variables],
        }
        arrays: dict[str, Any] = {
            f"v{i}": _to_numpy(v) for i, v in enumerate(variables)
        }
        try:
            with files.replacing(self.path) as part, open(part, "wb") as file:
                np.savez(file, header=json.dumps(header), **arrays)
        except OSError as error:
            raise OSError(
                f"Epoch {epoch + 1} could not be saved to `checkpoint` "
                f"{str(self.path)!r}: {error}. The last saved epoch is kept."
            ) from error
        self.epochs_done = epoch + 1

    def _refuse_another_run(self, saved: dict[str, Any]) -> None:
        if "model" in saved:
            saved = {**saved, "model": {**ADDED_ARGUMENTS, **saved["model"]}}
        names = sorted(set(saved) | set(self.run))
        differing = [
            f"{name}={saved.get(name)!r} there, {self.run.get(name)!r} here"
            for name in names
            if saved.get(name) != self.run.get(name)
        ]
        if differing:
            raise ValueError(
                f"`checkpoint` {str(self.path)!r} belongs to another run: "
                + "; ".join(differing)
                + ". Continue it with its own arguments, or choose another folder."
            )


def _variables(model: keras.Model) -> list[keras.Variable]:
    """The whole state of a run: weights, seeds of random layers, optimizer.

    A frozen attention teacher does not change, so a checkpoint leaves it out.
    """
    teacher = getattr(model, "attention_teacher", None)
    unchanged = {id(v) for v in teacher.variables} if teacher is not None else set()
    weights = [v for v in model.variables if id(v) not in unchanged]
    return [*weights, *model.optimizer.variables]


def _path(variable: keras.Variable) -> str:
    # Keras numbers layers in the order in which a process makes them. The same model
    # can have other numbers in another process.
    return re.sub(r"_\d+(?=/|$)", "", variable.path)


def _to_numpy(variable: keras.Variable) -> np.ndarray[Any, Any]:
    # `variable.value` is not always a tensor under a TensorFlow strategy.
    array: np.ndarray[Any, Any] = ops.convert_to_numpy(variable)
    # `.npz` has no bfloat16.
    return array.astype("float32") if array.dtype.name == "bfloat16" else array
