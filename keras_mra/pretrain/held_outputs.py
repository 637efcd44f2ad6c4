"""`held_outputs`: what a training will write, checked and locked before it starts."""

import contextlib
import pathlib
from collections.abc import Iterator

from keras_mra import distribution
from keras_mra import files
from keras_mra.pretrain.checkpoint import PREVIOUS
from keras_mra.pretrain.checkpoint import STATE
from keras_mra.typing import Path


@contextlib.contextmanager
def held_outputs(checkpoint: Path | None, tensorboard: Path | None) -> Iterator[None]:
    """Keeps other processes from the checkpoint while the block runs.

    Its folder is made. Of several processes that train together, only the main one
    writes to them.

    Args:
        checkpoint: Folder, or `None`.
        tensorboard: Folder for TensorBoard logs, or `None`.

    Raises:
        OSError: If a folder cannot be written to, or another process writes to the
            checkpoint. The message names it.
    """
    with contextlib.ExitStack() as stack:
        if distribution.is_main_process():
            if tensorboard is not None:
                # Where Keras' callback writes.
                files.probe_folder("tensorboard", pathlib.Path(tensorboard, "train"))
            if checkpoint is not None:
                files.probe_folder("checkpoint", checkpoint, (STATE, PREVIOUS))
                stack.enter_context(files.locked(checkpoint, "checkpoint"))
                files.remove_all_leftovers(checkpoint)
        yield
