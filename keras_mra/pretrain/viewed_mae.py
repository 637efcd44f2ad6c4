"""`ViewedMAE`: an `MAE` that trains on random views of its images."""

from collections.abc import Callable
from typing import Any

from keras_mra.distribution import DistributedModel
from keras_mra.models import MAE
from keras_mra.typing import Array


class ViewedMAE(DistributedModel):
    """Draws a random view of each training image and passes it to an `MAE`.

    Args:
        mae: The `MAE` to train.
        view: Keras layer or callable from images to images of the same shape and
            range, or `None` for the images themselves.

    Call arguments:
        images: `(batch, height, width, channels)`, in the range of `mae`.
        training: Bool. Without training, the view is not drawn.

    Returns:
        The intermediates of `MAE`, by name.
    """

    def __init__(self, mae: MAE, view: Callable[..., Array] | None = None):
        # Integer pixels must not be rounded to the compute dtype.
        super().__init__(autocast=False, dtype=mae.dtype_policy)
        self.mae = mae
        self.view = view
        self.built = True

    def call(self, images: Array, training: bool | None = None) -> dict[str, Array]:
        if training and self.view is not None:
            images = self.view(images, training=True)
        return self.mae(images, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Array:
        return self.mae.compute_loss(x, y, y_pred, sample_weight, training)
