"""`Checkpoint`: the state from which a killed run continues to the same result.

Keras' own `BackupAndRestore` restores neither the state of random generators nor the
order of the data. `Checkpoint` restores both. A checkpoint is one `.npz` file without
pickles, so that loading it runs no code.
"""

import json
import pathlib
import re
import time
from typing import Any

import keras
import numpy as np

from keras_mra import distribution
from keras_mra import files
from keras_mra.pretrain.training_state import read_state
from keras_mra.pretrain.training_state import state_variables
from keras_mra.pretrain.training_state import write_state
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
        self._seconds_before = 0.0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Duration of the run so far, with its parts before it was resumed."""
        return self._seconds_before + time.monotonic() - self._started

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
        variables = state_variables(model)
        found = [(list(v.shape), _path(v)) for v in variables]
        if found != [(shape, path) for shape, path in header["variables"]]:
            raise ValueError(
                f"`checkpoint` {str(self.path)!r} holds other variables than this "
                "model: it was written for another model or optimizer."
            )
        write_state(variables, arrays)
        self._seconds_before = header.get("seconds", 0.0)
        self.logs = header["logs"]
        self.epochs_done = header["epochs_done"]
        return self.epochs_done, self.logs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not distribution.is_main_process():
            return
        for name, value in (logs or {}).items():
            self.logs.setdefault(name, []).append(float(value))
        variables = state_variables(self.model)
        header = {
            "run": self.run,
            "epochs_done": epoch + 1,
            "logs": self.logs,
            "seconds": self.seconds,
            "variables": [(list(v.shape), _path(v)) for v in variables],
        }
        arrays: dict[str, Any] = {
            f"v{i}": array for i, array in enumerate(read_state(variables))
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
        there, here = _flat(saved), _flat(self.run)
        if there.get("epochs") != here.get("epochs"):
            # It follows from the epochs, where it was not given.
            here["warmup_epochs"] = there.get("warmup_epochs")
        differing = [
            f"{name}={there.get(name)!r} there, {here.get(name)!r} here"
            for name in sorted({*there, *here})
            if there.get(name) != here.get(name)
        ]
        if differing:
            raise ValueError(
                f"`checkpoint` {str(self.path)!r} belongs to a run with other "
                f"arguments: {'; '.join(differing)}. Give the same arguments to "
                "continue that run, on the same images, from whose number the epochs "
                "may follow; or another folder to start a new one. A new run "
                "can go on from the weights of a finished one: pass its preset as "
                "`preset`."
            )


def _flat(run: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a run by name, those of the model and of `MSA` too."""
    flat: dict[str, Any] = {}
    for name, value in run.items():
        flat.update(value if isinstance(value, dict) else {name: value})
    return flat


def _path(variable: keras.Variable) -> str:
    # Keras numbers layers in the order in which a process makes them. The same model
    # can have other numbers in another process.
    return re.sub(r"_\d+(?=/|$)", "", variable.path)
