"""Checkpoints that a killed run continues from as if it had not been killed.

Keras' own `BackupAndRestore` restores neither the state of random generators nor the
order of the data; both are here. A checkpoint is one `.npz` file without pickles,
replaced atomically, so that there is always a whole one.
"""

import json
import os
import pathlib
import re

import keras
import numpy as np
from keras import ops

from keras_mra import distribution

STATE = "training_state.npz"


class Checkpoint(keras.callbacks.Callback):
    """Saves the training state after each epoch.

    Args:
        folder: Folder of the checkpoint; made if missing.
        run: Dict that JSON can hold, what defines the run. A checkpoint of another
            run is refused.
    """

    def __init__(self, folder, run):
        super().__init__()
        self.path = pathlib.Path(folder) / STATE
        self.run = json.loads(json.dumps(run))
        self.logs = {}
        self.epochs_done = 0

    def describe(self):
        """What is saved, for messages."""
        if not self.epochs_done:
            return "none, not even the first epoch's"
        return f"{str(self.path)!r}, of epoch {self.epochs_done}"

    def restore(self, model):
        """Loads the state into a compiled model.

        Returns:
            The number of epochs done, and their logs as a dict of lists.

        Raises:
            ValueError: If the checkpoint is unreadable or of another run; it names
                what differs.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"`checkpoint` must be a folder. Received: {str(self.path.parent)!r} "
                f"({error})"
            ) from error
        if not self.path.exists():
            return 0, {}
        try:
            with np.load(self.path, allow_pickle=False) as state:
                header = json.loads(str(state["header"]))
                arrays = [state[f"v{i}"] for i in range(len(header["variables"]))]
        except Exception as error:  # NumPy raises a different one for each damage
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
                "model's: it was written for another model or optimizer."
            )
        for variable, array in zip(variables, arrays):
            variable.assign(ops.cast(array, variable.dtype))
        self.logs = header["logs"]
        self.epochs_done = header["epochs_done"]
        return self.epochs_done, self.logs

    def on_epoch_end(self, epoch, logs=None):
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
        arrays = {f"v{i}": _to_numpy(v) for i, v in enumerate(variables)}
        try:
            _write_atomically(self.path, header=json.dumps(header), **arrays)
        except OSError as error:
            raise OSError(
                f"Epoch {epoch + 1} could not be saved to `checkpoint` "
                f"{str(self.path)!r}: {error}. The last saved epoch is kept."
            ) from error
        self.epochs_done = epoch + 1

    def _refuse_another_run(self, saved):
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


def _variables(model):
    """All state of a run: weights, seeds of random layers, optimizer."""
    return [*model.variables, *model.optimizer.variables]


def _path(variable):
    # Keras numbers layers in the order in which one process makes them, so that the
    # same model can have other numbers in another process.
    return re.sub(r"_\d+(?=/|$)", "", variable.path)


def _to_numpy(variable):
    # Not of its `value`, which TensorFlow's strategies do not always make an array.
    array = ops.convert_to_numpy(variable)
    # `.npz` has no bfloat16.
    return array.astype("float32") if array.dtype.name == "bfloat16" else array


def _write_atomically(path, **arrays):
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
