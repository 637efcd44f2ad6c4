"""Augmented copies of images of any size, made by an MAE of one size."""

import hashlib
from collections.abc import Iterator
from typing import Any
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import engines
from keras_mra import masking
from keras_mra import patches
from keras_mra.augment.originals import Original
from keras_mra.datasets.exact_image import ExactImage
from keras_mra.datasets.image_reader import bands_of
from keras_mra.models import MAE
from keras_mra.models.check_mae import check_mae

_LUMINANCE = np.array([[0.299], [0.587], [0.114]], "float32")
Row = TypeVar("Row")


class Painter:
    """Paints copies with an MAE, in batches of one size.

    Args:
        mae: A `keras_mra.MAE` of 1, 3 or 4 channels, trained without `norm_pix_loss`.
        mask_ratio: Float in (0, 1), the share of the patches that are painted.
        strategy: `"attention"`, `"low_attention"` or `"random"`.
        temperature: Float, at least 0.
        seed: Int, at least 0.
        batch_size: Int, images in one call of the MAE, at most 65,536.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        mae: MAE,
        mask_ratio: float,
        strategy: str,
        temperature: float,
        seed: int,
        batch_size: int,
    ) -> None:
        check_mae(mae)
        if mae.norm_pix_loss:
            raise ValueError(
                "`mae` must be trained with `norm_pix_loss=False`, because it must "
                "predict pixels. Received: an MAE with norm_pix_loss=True"
            )
        if mae.image_shape[2] not in (1, 3, 4):
            raise ValueError(
                "`mae` must have 1, 3 or 4 channels, as image files do. Received: "
                f"an MAE of image_shape={tuple(mae.image_shape)}"
            )
        self.mae = mae
        self._attend = backend.compiled(mae, mae.attention)
        self._repaint = backend.compiled(mae, mae.reconstruct)
        self.mask_ratio = mask_ratio
        self.strategy = strategy
        self.temperature = temperature
        self.seed = checks.required_seed(seed)
        self.batch_size = checks.batch_size(batch_size)
        # Invalid arguments are refused before any image is read.
        masking.check_strategy(strategy, temperature)
        masking.num_visible(mae.num_patches, mask_ratio)

    def paint(
        self, originals: list[Original]
    ) -> Iterator[tuple[Original, int, npt.NDArray[Any]]]:
        """Paints each copy that the originals lack.

        Args:
            originals: List of `Original`. Some may lack no copy.

        Yields:
            `(original, number, color)`: `color` has the shape and dtype of
            `original.image.color`.
        """
        originals = [original for original in originals if original.outputs]
        if not originals:
            return
        attention = self._attention(originals)  # (originals, patches)
        views = [self._views(original.image) for original in originals]
        rows = (
            (original, number, visible, view, len(its_views))
            for original, weights, its_views in zip(
                originals, attention, views, strict=True
            )
            for number in original.outputs
            for visible in [self._visible(weights, original.key, number)]
            for view in its_views
        )
        # The views of one copy may lie in two batches.
        finished: dict[tuple[bytes, int], list[npt.NDArray[np.float32]]] = {}
        for batch in engines.chunked(rows, self.batch_size):
            painted = self._reconstruct([r[3] for r in batch], [r[2] for r in batch])
            for (original, number, visible, _, count), pixels in zip(batch, painted):
                parts = finished.setdefault((original.key, number), [])
                parts.append(pixels)
                if len(parts) == count:
                    del finished[original.key, number]
                    color = self._composite(original.image, parts, visible)
                    yield original, number, color

    def _attention(self, originals: list[Original]) -> npt.NDArray[np.float32]:
        if self.strategy == "random":  # Only the shape of the attention is used.
            return np.ones((len(originals), self.mae.num_patches), "float32")
        whole = [self._whole(original.image) for original in originals]
        return np.concatenate(
            [
                ops.convert_to_numpy(self._attend(self._padded(batch)))[: len(batch)]
                for batch in engines.chunked(whole, self.batch_size)
            ]
        )

    def _reconstruct(
        self,
        views: list[npt.NDArray[np.float32]],
        visible: list[npt.NDArray[np.int32]],
    ) -> npt.NDArray[np.float32]:
        painted: npt.NDArray[np.float32] = ops.convert_to_numpy(
            self._repaint(self._padded(views), self._padded(visible))
        )
        if not np.isfinite(painted).all():  # As integers, it would be black.
            raise ValueError(
                "`mae` must paint finite pixels. Received: NaN or infinite ones"
            )
        return painted

    def _padded(self, rows: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        filled: list[npt.NDArray[Any]] = backend.padded(rows, self.batch_size)
        return np.stack(filled)

    def _visible(
        self, weights: npt.NDArray[np.float32], key: bytes, number: int
    ) -> npt.NDArray[np.int32]:
        """Chooses the visible patches of a copy from its seed, number and path."""
        digest = hashlib.sha256(b"%d/%d/%s" % (self.seed, number, key)).digest()
        visible = masking.visible_patches(
            weights[None],
            self.mask_ratio,
            self.strategy,
            self.temperature,
            seed=int.from_bytes(digest[:4], "big") >> 1,
        )
        first: npt.NDArray[np.int32] = ops.convert_to_numpy(visible)[0]
        return first

    def _whole(self, image: ExactImage) -> npt.NDArray[np.float32]:
        """Returns the image as the MAE sees it: `(height, width, channels)`."""
        height, width, channels = self.mae.image_shape
        alpha = image.alpha if channels == 4 else None
        color = _shares(image.color, image.white, (height, width), alpha)
        if channels == 1:
            color = color if color.shape[2] == 1 else color @ _LUMINANCE
        elif color.shape[2] == 1:
            color = np.repeat(color, 3, axis=2)
        if channels == 4:
            opacity = np.ones((height, width, 1), "float32")
            if alpha is not None:
                opacity = _shares(alpha, image.white, (height, width))
            color = np.concatenate([color, opacity], axis=2)
        return self._to_range(color)

    def _views(self, image: ExactImage) -> list[npt.NDArray[np.float32]]:
        """Returns what is painted: the image, or for a grey MAE each colour."""
        height, width, channels = self.mae.image_shape
        if channels > 1:
            return [self._whole(image)]
        color = _shares(image.color, image.white, (height, width))
        # (colours, height, width, 1)
        return list(self._to_range(np.moveaxis(color, 2, 0)[..., None]))

    def _to_range(self, color: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        low, high = self.mae.value_range
        return (low + color * (high - low)).astype("float32")

    def _composite(
        self,
        image: ExactImage,
        parts: list[npt.NDArray[np.float32]],
        visible: npt.NDArray[np.int32],
    ) -> npt.NDArray[Any]:
        """Returns the colours of the image, with the dropped patches painted."""
        height, width, channels = image.color.shape
        low, high = self.mae.value_range
        painted = np.concatenate(parts, axis=2)[..., :3]  # Without a fourth, alpha.
        if channels == 1:
            painted = painted.mean(axis=2, keepdims=True)
        painted = (painted - low) / (high - low)
        # `patches.visible_pixels` on NumPy arrays: JAX would compile it for each size.
        shown = np.zeros(self.mae.num_patches, bool)
        shown[visible] = True
        shown = shown.reshape(self.mae.grid)
        rows = patches.patch_of_pixel(self.mae.grid[0], height)
        columns = patches.patch_of_pixel(self.mae.grid[1], width)
        color = np.empty_like(image.color)
        # Channel by channel and band by band: floats of a whole picture take much
        # memory.
        for channel in range(channels):
            paint = _resized(painted[..., channel], (height, width))
            for top, bottom, floats in bands_of(paint):
                floats = np.rint(np.clip(floats, 0, 1) * image.white)
                color[top:bottom, :, channel] = np.where(
                    shown[rows[top:bottom, None], columns[None]],  # (band, width)
                    image.color[top:bottom, :, channel],
                    floats.astype(color.dtype),
                )
        return color


def _shares(
    pixels: npt.NDArray[Any],
    white: int,
    size: tuple[int, int],
    alpha: npt.NDArray[Any] | None = None,
) -> npt.NDArray[np.float32]:
    """Resizes integers from 0 to `white` to shares of white, channel by channel.

    With `alpha`, `(height, width, 1)`, transparent pixels have no weight. Pillow
    resizes images of the mode RGBA so, those of the training among them.
    """
    weight = total = None
    if alpha is not None and alpha.shape[:2] != size:
        weight = alpha[..., 0] / np.float32(white)
        total = np.asarray(_resized(weight, size))
    channels = []
    for channel in range(pixels.shape[2]):
        shares = pixels[..., channel] / np.float32(white)
        if weight is not None:
            shares *= weight
        share = np.asarray(_resized(shares, size))
        if total is not None:
            share = share / np.where(total > 0, total, 1)
        channels.append(share)
    return np.stack(channels, axis=-1)  # (height, width, channels)


def _resized(channel: npt.NDArray[Any], size: tuple[int, int]) -> Any:
    """Resizes floats `(height, width)` without rounding: a `PIL.Image.Image`."""
    from PIL import Image

    height, width = size
    image = Image.fromarray(np.ascontiguousarray(channel, "float32"))
    if image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling.BILINEAR)
