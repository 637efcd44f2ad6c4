"""`Checkpoint`: the state from which a killed run continues to the same result.

Keras' own `BackupAndRestore` restores neither the state of random generators nor the
order of the data. `Checkpoint` restores both. A checkpoint is an `.npz` file without
pickles, so that loading it runs no code, and the one before it.
"""

import json
import pathlib
import re
import time
import warnings
from typing import Any

import keras
import numpy as np

from keras_mra import distribution
from keras_mra import files
from keras_mra.pretrain.saved_state import SavedState
from keras_mra.pretrain.saved_state import read_saved_state
from keras_mra.pretrain.training_state import read_state
from keras_mra.pretrain.training_state import state_variables
from keras_mra.pretrain.training_state import write_state
from keras_mra.typing import Path

STATE = "training_state.npz"
PREVIOUS = "training_state.previous.npz"

# Arguments of `MAE` that earlier versions did not have, with what they did instead.
ADDED_ARGUMENTS = {"smooth_fill": False}


class Checkpoint(keras.callbacks.Callback):
    """Saves the training state after each epoch, and keeps the one before.

    Only one process at a time may save to a folder; see `held_outputs`.

    Args:
        folder: Folder of the checkpoint. It is made when an epoch is saved.
        run: Dict that JSON can hold: what defines the run. A checkpoint of another
            run is refused.
    """

    def __init__(self, folder: Path, run: dict[str, Any]):
        super().__init__()
        self.path = pathlib.Path(folder) / STATE
        self.previous = pathlib.Path(folder) / PREVIOUS
        # NumPy's numbers become Python's.
        self.run = json.loads(json.dumps(run, default=lambda number: number.item()))
        self.logs: dict[str, list[float]] = {}
        self.epochs_done = 0
        # A damaged state does not take the place of the whole one before it.
        self._is_damaged = False
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
            ValueError: If the checkpoint is unreadable, and the one before it too, or
                belongs to another run. The message names what differs.
        """
        variables = state_variables(model)
        saved = self._read([tuple(v.shape) for v in variables])
        if saved is None:
            return 0, {}
        header = saved.header
        self._refuse_another_run(header["run"])
        found = [(list(v.shape), _path(v)) for v in variables]
        if found != [(shape, path) for shape, path in header["variables"]]:
            raise ValueError(
                f"`checkpoint` {str(self.path)!r} holds other variables than this "
                "model: it was written for another model or optimizer."
            )
        write_state(variables, saved.arrays)
        self._seconds_before = header.get("seconds", 0.0)
        self.logs = header["logs"]
        self.epochs_done = header["epochs_done"]
        # A copy: `on_epoch_end` goes on with the lists.
        return self.epochs_done, {k: list(values) for k, values in self.logs.items()}

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
            previous = None if self._is_damaged else self.previous
            with files.replacing(self.path, previous) as part, open(part, "wb") as file:
                np.savez(file, header=json.dumps(header), **arrays)
        except OSError as error:
            raise OSError(
                f"Epoch {epoch + 1} could not be saved to `checkpoint` "
                f"{str(self.path)!r}: {error}. The last saved epoch is kept."
            ) from error
        self.epochs_done = epoch + 1
        self._is_damaged = False

    def _read(self, shapes: list[tuple[int, ...]]) -> SavedState | None:
        """The last state that can be read, or `None` if nothing was saved."""
        damage = ""
        for path in (self.path, self.previous):
            if not path.exists():
                continue
            try:
                saved = read_saved_state(path, shapes)
            except ValueError as error:
                damage = damage or str(error)
                continue
            if path == self.previous:
                self._is_damaged = bool(damage)
                if distribution.is_main_process():
                    missing = f"{str(self.path)!r} is missing"
                    warnings.warn(
                        f"`checkpoint`: {damage or missing}. The run continues from "
                        f"the state before it, of epoch {saved.header['epochs_done']}.",
                        stacklevel=2,
                    )
            return saved
        if damage:
            raise ValueError(
                f"`checkpoint` {damage}. Remove its folder to start again."
            )
        return None

    def _refuse_another_run(self, saved: dict[str, Any]) -> None:
        if "image_library" in self.run:
            saved = {"image_library": "pillow", **saved}  # Of earlier versions.
        if "images" not in saved:  # Of earlier versions, or a stream.
            saved = {**saved, **{k: v for k, v in self.run.items() if k == "images"}}
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
