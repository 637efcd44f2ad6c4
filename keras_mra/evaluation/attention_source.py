"""Attention maps of images, read from a model or computed by any function."""

import functools
import math
from collections.abc import Callable
from typing import Any
from typing import TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra import checks
from keras_mra.evaluation.features import embed_patches
from keras_mra.evaluation.features import mae_of
from keras_mra.evaluation.in_batches import in_batches
from keras_mra.layers import MaskReconstruct
from keras_mra.layers.attention_of import AttentionOf
from keras_mra.layers.attention_of_mae import AttentionOfMAE
from keras_mra.models import MAE
from keras_mra.typing import Array
from keras_mra.typing import Size
from keras_mra.vit import encoder

# An `MAE`, `MSA` or `MaskReconstruct`; another model or layer of Keras; or a function
# of a NumPy batch of images.
Source: TypeAlias = keras.layers.Layer | Callable[[NDArray[Any]], Array]


class AttentionSource:
    """A source of attention with a compiled function.

    Args:
        source: `MAE`; `MSA` (or any other object whose `mae` is an `MAE`);
            `MaskReconstruct`, whose `attention_model`, `attention_block` and
            `attention_resolution` are used; what `attention_of` returns; another Keras
            model or layer of float32 images; or function of a NumPy batch. It gives
            scores of shape `(batch, patches)`, at least 0, patches in raster order.
        patch_size: Int or pair of ints, the patch of a source that holds no `MAE`.
            `None` means the `grid` of what `attention_of` returns, and square patches
            for other sources, whose side follows from their number.
        batch_size: Int.

    Call arguments:
        images: Array of shape `(batch, height, width, channels)`.

    Returns:
        Pair of float64 arrays: the scores `(batch, patches)`, and the attention of the
        class token to itself `(batch,)`. The second is `None` if the source does not
        read the attention of an `MAE` at its full resolution.

    Raises:
        ValueError: If an argument is bad, or the scores have another shape, are
            negative or are not finite.
    """

    def __init__(
        self, source: Source, patch_size: Size | None = None, batch_size: int = 64
    ) -> None:
        self.mae: Any = None
        self.grid: tuple[int, int] | None = None
        if isinstance(source, (AttentionOf, AttentionOfMAE)):
            # Its grid and its images may differ from those of the `MAE` inside.
            self.grid = source.grid
        else:
            self.mae = mae_of(source)
        if not callable(source) and self.mae is None:
            raise ValueError(
                "`source` must be an MAE, an MSA, a MaskReconstruct, a Keras model, or "
                f"a function of images. Received: source={source!r} "
                f"(of type {type(source).__name__})"
            )
        if patch_size is not None:
            patch_size = checks.pair_of_ints("patch_size", patch_size)
            if self.mae is not None:
                raise ValueError(
                    "`patch_size` must be None if the `source` holds an MAE, which has "
                    f"patches of {self.mae.patch_size}. Received: "
                    f"patch_size={patch_size}"
                )
        self.patch_size = patch_size if self.mae is None else self.mae.patch_size
        self.batch_size = checks.positive_int("batch_size", batch_size)
        self.starts_with_class_token = False
        self._run = self._compile(source)

    def __call__(
        self, images: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        scores = in_batches(self._checked, self.batch_size, images)
        if not self.starts_with_class_token:
            return scores, None
        patches = scores[:, 1:]  # (B, N)
        return patches / patches.sum(axis=1, keepdims=True), scores[:, 0]

    def check_images(self, images: Array) -> NDArray[Any]:
        """Returns images as an array if they fit the source."""
        images = checks.numpy_array("images", images)
        if self.mae is None:
            checks.image_batch(images, (None, None, None))
        else:
            checks.image_batch(images, self.mae.image_shape)
            checks.pixel_values(images, self.mae.value_range)
        if 0 in images.shape:
            raise ValueError(
                f"`images` must not be empty. Received: shape {images.shape}"
            )
        return images

    def patches_of(self, images: NDArray[Any], count: int) -> tuple[int, int]:
        """The height and width of each of `count` patches of the images."""
        height, width = images.shape[1:3]
        if self.patch_size is None and self.grid is not None:
            patch_size = height // self.grid[0], width // self.grid[1]
        elif self.patch_size is None:
            side = math.isqrt(height * width // max(count, 1))
            patch_size = side, side
        else:
            patch_size = self.patch_size
        fits = all(patch_size) and not (height % patch_size[0] or width % patch_size[1])
        if not fits or count * math.prod(patch_size) != height * width:
            kind = "square" if self.patch_size is None else f"{patch_size} pixels"
            raise ValueError(
                "`source` must give one score for each patch of an image of "
                f"{height}x{width} pixels. Received: {count} scores per image, for "
                f"patches that are {kind}"
            )
        return patch_size

    def _compile(self, source: Source) -> Callable[[NDArray[Any]], Any]:
        block = -1
        if isinstance(source, MaskReconstruct):
            if source.attention_model is not None:
                return _compiled_scores(source.attention_model)
            block = -1 if source.attention_block is None else source.attention_block
            if source.attention_resolution is not None:
                attend = functools.partial(
                    self.mae.attention,
                    block=block,
                    resolution=source.attention_resolution,
                )
                return backend.compiled(self.mae, attend)
        if self.mae is not None:
            self.starts_with_class_token = True
            attend = functools.partial(class_token_attention, self.mae, block=block)
            return backend.compiled(self.mae, attend)
        if isinstance(source, keras.layers.Layer):
            return _compiled_scores(source)
        return source

    def _checked(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """The scores of one batch."""
        found = self._run(images)
        if not isinstance(found, (dict, list, tuple)):
            found = np.asarray(ops.convert_to_numpy(found))
        shape: Any = getattr(found, "shape", f"of a {type(found).__name__}")
        if len(shape) != 2 or shape[0] != len(images) or shape[1] < 2:
            raise ValueError(
                "`source` must return scores of shape (batch, patches), for at least "
                f"two patches. Received: shape {shape} for {len(images)} images"
            )
        scores = found.astype("float64")
        bad = ~(np.isfinite(scores) & (scores >= 0)).all(axis=1)
        if bad.any():
            raise ValueError(
                "`source` must return finite scores, at least 0. Received: negative, "
                f"NaN or infinite scores for {bad.sum()} of {len(images)} images of a "
                "batch"
            )
        return scores


def class_token_attention(mae: MAE, images: Array, block: int = -1) -> Array:
    """Attention of the class token to all tokens in one block.

    Args:
        mae: `MAE`.
        images: Tensor of shape `(batch, height, width, channels)`.
        block: Int, index of the block.

    Returns:
        Float32 tensor of shape `(batch, 1 + patches)`, class token first. Each row
        sums to 1.
    """
    tokens = embed_patches(mae, images)  # (B, N, dim)
    return encoder.class_token_attention(mae.encoder, tokens, block)


def _compiled_scores(model: keras.layers.Layer) -> Callable[[NDArray[Any]], Any]:
    """A compiled function of images of any dtype, which the model gets as float32."""
    run = backend.compiled(model, functools.partial(model, training=False))
    return lambda images: run(images.astype("float32"))
