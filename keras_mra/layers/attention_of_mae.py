"""`AttentionOfMAE`: an autoencoder's attention as an `attention_model` of another's."""

from typing import Any
from typing import Self

import keras
from keras import ops

from keras_mra import checks
from keras_mra import pixels
from keras_mra.models.attention_teacher import class_attention_of
from keras_mra.models.frozen import Untrainable
from keras_mra.models.frozen import freeze
from keras_mra.models.mae import MAE
from keras_mra.typing import Array
from keras_mra.typing import Size


@keras.saving.register_keras_serializable("keras_mra")
class AttentionOfMAE(Untrainable, keras.Model):
    """The attention of an `MAE`'s class token, on another grid of patches.

    The model shares the `MAE` and freezes it.

    Args:
        mae: `MAE`.
        grid: Int, pair of ints or `None`, the rows and columns of the scores. `None`
            is the grid of the `MAE`.
        value_range: Pair of floats, the range of the images, or `None` for that of the
            `MAE`.
        **kwargs: Arguments of `keras.Model`.

    Call arguments:
        images: `(batch, height, width, channels)`, in `value_range`. Images of another
            size are resized. Grey images are repeated for an `MAE` of colour images.

    Returns:
        Float32 scores `(batch, patches)`, at least 0, in raster order.

    Raises:
        ValueError: If an argument is invalid, or the images have other channels.
    """

    def __init__(
        self,
        mae: MAE,
        grid: Size | None = None,
        value_range: tuple[float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32", "autocast": False})
        self.mae = mae
        self.grid: tuple[int, int] = (
            mae.grid if grid is None else checks.pair_of_ints("grid", grid)
        )
        self.value_range = checks.value_range(
            mae.value_range if value_range is None else value_range
        )
        freeze(mae)
        self.built = True

    @property
    def channels(self) -> int:
        """The channels of the images. Grey images are taken too."""
        return self.mae.image_shape[2]

    def call(self, images: Array) -> Array:
        height, width, channels = self.mae.image_shape
        checks.image_batch(images, (None, None, None))
        if images.shape[3] not in (1, channels):
            raise ValueError(
                f"`images` must have {' or '.join(map(str, sorted({1, channels})))} "
                f"channels, as the `mae` has. Received: shape {tuple(images.shape)}"
            )
        seen = pixels.resize(images, (height, width))
        if seen.shape[3] != channels:
            seen = ops.repeat(seen, channels, axis=3)  # (B, height, width, channels)
        (low, high), (own_low, own_high) = self.value_range, self.mae.value_range
        seen = own_low + (seen - low) * ((own_high - own_low) / (high - low))
        scores = class_attention_of(self.mae, seen)  # (B, N)
        maps = ops.reshape(scores, (-1, *self.mae.grid, 1))
        maps = pixels.resize(maps, self.grid)  # (B, rows, columns, 1)
        return ops.reshape(maps, (-1, self.grid[0] * self.grid[1]))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            mae=keras.saving.serialize_keras_object(self.mae),
            grid=self.grid,
            value_range=self.value_range,
        )
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        mae = keras.saving.deserialize_keras_object(config["mae"])
        return cls(**{**config, "mae": mae})
