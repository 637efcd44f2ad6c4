"""`saved_training`: what an interrupted `keras-mra pretrain` leaves, in words."""

import pathlib
import shlex

# `keras_mra.pretrain.checkpoint.STATE`, which cannot be imported so quickly.
STATE = "training_state.npz"
PRESET = "config.json"


def saved_training(
    data: str, out: pathlib.Path, checkpoint: pathlib.Path | None, started: float
) -> str:
    """Says what is saved of a training, and how to go on.

    Args:
        data: String, the name of the data.
        out: Folder of the preset.
        checkpoint: Folder of the checkpoint, or `None`.
        started: Float, the time at which the command started.
    """
    preset = out / PRESET
    if preset.exists() and preset.stat().st_mtime >= started:
        return (
            f"The trained preset is saved in {out}. Only its measures may be missing: "
            f"keras-mra inspect {shlex.join([str(out), data])}"
        )
    if checkpoint is None:
        return (
            "Nothing is saved. With --checkpoint FOLDER, the same command goes on from "
            "the last whole epoch."
        )
    if (checkpoint / STATE).exists():
        return (
            f"The last whole epoch is saved in {checkpoint}. Run the same command "
            "again to go on from there."
        )
    return f"No epoch is saved in {checkpoint} yet. Run the same command again."
