"""`ViewedMAE`: an `MAE` that trains on random views of its images."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_mra import checks
from keras_mra.distribution import DistributedModel
from keras_mra.distribution import summed_replicas
from keras_mra.models import MAE
from keras_mra.models.attention_teacher import AttentionTeacher
from keras_mra.models.attention_teacher import attention_divergence
from keras_mra.models.attention_teacher import class_attention_of
from keras_mra.models.attention_teacher import taught_part
from keras_mra.typing import Array
from keras_mra.views.drawn_view import drawn_view


class ViewedMAE(DistributedModel):
    """Draws a random view of each training image and passes it to an `MAE`.

    Args:
        mae: The `MAE` to train.
        view: Keras layer or callable from images to images of the same shape and
            range, or `None` for the images themselves.
        attention_teacher: Keras model as in `AttentionTeacher`, whose attention to the
            views the `MAE` learns, or `None`.
        attention_weight: Float, at least 0, the weight of the attention loss. The
            weight of the pixel loss is 1.
        attention_share: Float in (0, 1], the share of a training batch whose attention
            is taught.

    Call arguments:
        images: `(batch, height, width, channels)`, in the range of `mae`.
        training: Bool. Without training, the view is not drawn.

    Returns:
        The intermediates of `MAE`, by name. With a teacher also `attention` and
        `taught_attention`, both float32 `(taught, patches)`: the class token's
        attention to the whole view, and the teacher's, for the first images of the
        batch. Without training, `taught` is the whole batch.
    """

    def __init__(
        self,
        mae: MAE,
        view: Callable[..., Array] | None = None,
        attention_teacher: keras.Model | None = None,
        attention_weight: float = 0.1,
        attention_share: float = 0.25,
    ):
        # Integer pixels must not be rounded to the compute dtype.
        super().__init__(autocast=False, dtype=mae.dtype_policy)
        self.mae = mae
        self.view = view
        self.attention_weight = checks.nonnegative_float(
            "attention_weight", attention_weight
        )
        self.attention_share = checks.share("attention_share", attention_share)
        self.attention_teacher: AttentionTeacher | None = None
        if attention_teacher is not None:
            self.attention_teacher = AttentionTeacher(attention_teacher, mae)
            self.pixel_tracker = keras.metrics.Mean(name="pixel_loss")
            self.attention_tracker = keras.metrics.Mean(name="attention_loss")
        self.built = True

    def call(self, images: Array, training: bool | None = None) -> dict[str, Array]:
        if training:
            images = drawn_view(self.view, images)
        outputs: dict[str, Array] = self.mae(images, training=training)
        if self.attention_teacher is None:
            return outputs
        if training:
            images = taught_part(images, self.attention_share)
        return {
            **outputs,
            "attention": class_attention_of(self.mae, images),
            "taught_attention": self.attention_teacher(images),
        }

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Array:
        pixel = self.mae.compute_loss(x, y, y_pred, sample_weight, training)
        if self.attention_teacher is None:
            return pixel
        attention = ops.mean(
            attention_divergence(y_pred["attention"], y_pred["taught_attention"])
        )
        # Keras has divided the pixel loss by the number of replicas.
        replicas = summed_replicas()
        self.pixel_tracker.update_state(pixel * replicas)
        self.attention_tracker.update_state(attention)
        return pixel + self.attention_weight * attention / replicas
