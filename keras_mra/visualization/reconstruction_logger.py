"""A callback that shows reconstructions in TensorBoard during training."""

import io
import os
import pathlib
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

import keras

from keras_mra import checks
from keras_mra import distribution
from keras_mra import files
from keras_mra import masking
from keras_mra.models import MAE
from keras_mra.typing import Array
from keras_mra.typing import Path
from keras_mra.visualization.drawable import checked_images
from keras_mra.visualization.new_figure import new_figure
from keras_mra.visualization.plot_reconstructions import plot_reconstructions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TAG = "reconstructions"


class ReconstructionLogger(keras.callbacks.Callback):
    """Shows the reconstructions of some images in TensorBoard after each epoch.

    The figures are those of `keras_mra.visualization.plot_reconstructions`. All of them
    have the same masks, and their steps are those of `keras.callbacks.TensorBoard`. The
    callback works in `pretrain_mae`, in `pretrain_msa` and in `fit` of an `MAE` or
    `MSA`, on every backend. It does not need TensorFlow.

    Args:
        log_dir: Folder for TensorBoard logs.
        images: Array of shape `(batch, height, width, channels)`, in the model's
            `value_range`; one column of the figure each.
        every: Int, the number of epochs between figures. The last epoch always has one.
        mask_ratio: Float in (0, 1), the share of patches to hide, or `None` for the
            ratio that the model is trained with.
        seed: Int or `None`, for the masks.

    Raises:
        ImportError: If TensorBoard or matplotlib is not installed.
        ValueError: If an argument is bad. An argument that does not fit the model
            raises the error before the first step of training.

    Example:

    ```python
    logger = keras_mra.ReconstructionLogger("logs", images[:8])
    mae = keras_mra.pretrain_mae(images, tensorboard="logs", callbacks=[logger])
    ```
    """

    def __init__(
        self,
        log_dir: Path,
        images: Array,
        every: int = 1,
        mask_ratio: float | None = None,
        seed: int | None = 0,
    ) -> None:
        super().__init__()
        # Both raise an error if their package is missing.
        _tensorboard()
        new_figure(1, 1)
        checks.path("log_dir", log_dir, "folder")
        self.log_dir = pathlib.Path(log_dir)
        self.images = images
        self.every = checks.positive_int("every", every)
        self.mask_ratio = mask_ratio
        self.seed = checks.seed(seed)
        self.events: Any = None

    @property
    def mae(self) -> Any:
        """The autoencoder that is trained, or the one inside the model."""
        return self.model if isinstance(self.model, MAE) else self.model.mae

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        if distribution.is_main_process():
            files.probe_folder("log_dir", self.log_dir)
        mae = self.mae
        checked_images(self.images, mae.image_shape, mae.value_range)
        if self.mask_ratio is not None:
            masking.num_visible(mae.num_patches, self.mask_ratio)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if (epoch + 1) % self.every and epoch + 1 != self.params["epochs"]:
            return
        # Every process draws, because their devices may have to compute together.
        figure = plot_reconstructions(self.mae, self.images, self.mask_ratio, self.seed)
        if distribution.is_main_process():
            self._write(figure, epoch)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        if self.events is not None:
            self.events.close()
            self.events = None

    def _write(self, figure: "Figure", step: int) -> None:
        _, event_pb2, summary_pb2 = _tensorboard()
        if self.events is None:
            self.events = _new_event_file(self.log_dir)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi="figure")
        width, height = figure.canvas.get_width_height()
        image = summary_pb2.Summary.Image(
            height=height,
            width=width,
            colorspace=4,  # RGBA
            encoded_image_string=png.getvalue(),
        )
        value = summary_pb2.Summary.Value(tag=TAG, image=image)
        summary = summary_pb2.Summary(value=[value])
        event = event_pb2.Event(wall_time=time.time(), step=step, summary=summary)
        self.events.write(event.SerializeToString())
        self.events.flush()


def _new_event_file(folder: pathlib.Path) -> Any:
    """Starts an event file of TensorBoard with a unique name."""
    record_writer, event_pb2, _ = _tensorboard()
    folder.mkdir(parents=True, exist_ok=True)
    # TensorBoard reads the files in the order of their names. A resumed run adds one.
    name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
    events = record_writer.RecordWriter(open(folder / name, "xb"))
    version = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
    events.write(version.SerializeToString())
    return events


def _tensorboard() -> tuple[Any, Any, Any]:
    # TensorBoard's own records work on every backend. The writers of TensorFlow and
    # PyTorch need TensorBoard as well.
    try:
        from tensorboard.compat.proto import event_pb2
        from tensorboard.compat.proto import summary_pb2
        from tensorboard.summary.writer import record_writer
    except ImportError as error:
        raise ImportError(
            "`ReconstructionLogger` needs TensorBoard: "
            "pip install 'keras-mra[tensorboard]'"
        ) from error
    return record_writer, event_pb2, summary_pb2
