"""Reconstructions in TensorBoard, while the autoencoder is trained."""

import io
import os
import pathlib
import socket
import time

import keras

from keras_mra import checks
from keras_mra import distribution
from keras_mra import masking
from keras_mra.models import MAE
from keras_mra.visualization import pictures
from keras_mra.visualization.reconstructions import plot_reconstructions

TAG = "reconstructions"


class ReconstructionLogger(keras.callbacks.Callback):
    """Shows in TensorBoard how the same images are reconstructed, epoch after epoch.

    The picture is that of `keras_mra.visualization.plot_reconstructions`, always with
    the same masks, at the same steps as the curves of `keras.callbacks.TensorBoard`.
    It is a callback of `pretrain_mae`, `pretrain_msa`, and `fit` of an `MAE` or `MSA`,
    on every backend; TensorFlow is not needed.

    Args:
        log_dir: Folder for TensorBoard logs.
        images: Array of shape `(batch, height, width, channels)`, in the model's
            `value_range`; a few.
        every: Int, epochs between pictures; the last epoch is always drawn.
        mask_ratio: Float in (0, 1), the share of patches to hide, or `None` for the
            one that the model is trained with.
        seed: Int, for the masks.

    Raises:
        ImportError: If TensorBoard or matplotlib is not installed.
        ValueError: If an argument is bad, or, before the first step, does not fit the
            model.

    Example:

    ```python
    logger = keras_mra.ReconstructionLogger("logs", images[:8])
    mae = keras_mra.pretrain_mae(images, tensorboard="logs", callbacks=[logger])
    ```
    """

    def __init__(self, log_dir, images, every=1, mask_ratio=None, seed=0):
        super().__init__()
        _tensorboard()
        pictures.new_figure(1, 1)
        self.log_dir = pathlib.Path(log_dir)
        self.images = images
        self.every = checks.positive_int("every", every)
        self.mask_ratio = mask_ratio
        self.seed = checks.seed(seed)
        self.events = None

    @property
    def mae(self):
        """The autoencoder that is trained, or that is inside the model."""
        return self.model if isinstance(self.model, MAE) else self.model.mae

    def on_train_begin(self, logs=None):
        mae = self.mae
        pictures.checked_images(self.images, mae.image_shape, mae.value_range)
        if self.mask_ratio is not None:
            masking.num_visible(mae.num_patches, self.mask_ratio)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and epoch + 1 != self.params["epochs"]:
            return
        # In every process, whose devices may have to compute together.
        figure = plot_reconstructions(self.mae, self.images, self.mask_ratio, self.seed)
        if distribution.is_main_process():
            self._write(figure, epoch)

    def on_train_end(self, logs=None):
        if self.events is not None:
            self.events.close()
            self.events = None

    def _write(self, figure, step):
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


def _new_event_file(folder):
    """Starts an event file of TensorBoard, under a name of its own."""
    record_writer, event_pb2, _ = _tensorboard()
    folder.mkdir(parents=True, exist_ok=True)
    # The names are read in order of time; a resumed run adds a file.
    name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
    events = record_writer.RecordWriter(open(folder / name, "xb"))
    version = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
    events.write(version.SerializeToString())
    return events


def _tensorboard():
    # Its own records, since neither TensorFlow nor PyTorch brings a writer of images:
    # those of both need TensorBoard too, and this needs neither of them.
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
