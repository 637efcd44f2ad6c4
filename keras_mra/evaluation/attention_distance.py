"""The mean distance that the attention heads of an encoder span."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra import checks
from keras_mra.evaluation.features import Encoder
from keras_mra.evaluation.features import embed_patches
from keras_mra.evaluation.features import mae_of
from keras_mra.evaluation.in_batches import in_batches
from keras_mra.evaluation.result import Result
from keras_mra.typing import Array
from keras_mra.vit.encoder import attention_maps


@dataclasses.dataclass(frozen=True)
class AttentionDistanceResult(Result):
    """The result of `attention_distance`.

    Attributes:
        distance: Tuple with one tuple per block, which holds the mean distance of each
            head in pixels.
        uniform: Float, the mean distance of a head whose attention is uniform.
        images: Int.
    """

    protocol = "attention_distance"

    distance: tuple[tuple[float, ...], ...]
    uniform: float
    images: int

    def rows(self) -> list[tuple[str, ...]]:
        return [
            ("block", "mean, pixels", "nearest head", "farthest head"),
            *(
                (
                    str(block),
                    f"{np.mean(heads):.2f}",
                    f"{min(heads):.2f}",
                    f"{max(heads):.2f}",
                )
                for block, heads in enumerate(self.distance)
            ),
            ("uniform", *(f"{self.uniform:.2f}",) * 3),
        ]


def attention_distance(
    encoder: Encoder, images: Array, *, batch_size: int = 64
) -> AttentionDistanceResult:
    """Measures the mean distance that the attention of each head spans.

    The distance from a patch to every patch is measured between their centres, weighted
    by the attention (Raghu et al., 2021), and averaged over the patches and the images.
    Small distances are local, like those of a convolution; `uniform` in the result is
    the distance of uniform attention. The class token is left out, and the remaining
    attention of each patch is rescaled to sum 1.

    Args:
        encoder: `MAE` or `MSA`. It sees whole images.
        images: `(images, height, width, channels)`, in the `value_range` of the `MAE`.
        batch_size: Int. The heads of a block hold `batch_size * patches ** 2` numbers
            each.

    Returns:
        An `AttentionDistanceResult`.

    Raises:
        ValueError: If an argument is bad.

    Example:

    >>> np.array(keras_mra.evaluation.attention_distance(mae, images).distance)
    """
    mae = mae_of(encoder)
    if mae is None:
        raise ValueError(
            "`encoder` must be an MAE or an MSA, whose attention can be read. "
            f"Received: encoder={encoder!r} (of type {type(encoder).__name__})"
        )
    batch_size = checks.positive_int("batch_size", batch_size)
    images = checks.numpy_array("images", images)
    checks.image_batch(images, mae.image_shape)
    checks.pixel_values(images, mae.value_range)
    between = patch_distances(mae.grid, mae.patch_size)

    def spans(batch: Array) -> Array:
        maps = attention_maps(mae.encoder, embed_patches(mae, batch))
        found = [mean_distance(attention, between) for attention in maps]
        return ops.concatenate(found, axis=-1)  # (B, depth * heads)

    compiled = backend.compiled(mae, spans)
    found = in_batches(compiled, batch_size, images)
    if not np.isfinite(found).all():
        raise ValueError(
            "`encoder` must have finite attention. Received: attention that is NaN or "
            "infinite for some images"
        )
    mean = found.mean(axis=0, dtype="float64")
    mean = mean.reshape(mae.encoder_depth, mae.encoder_heads)
    return AttentionDistanceResult(
        distance=tuple(tuple(heads) for heads in mean.tolist()),
        uniform=float(between.mean()),
        images=len(images),
    )


def mean_distance(attention: Array, between: Array) -> Array:
    """The mean distance of the attention among patches, for each image and head.

    Args:
        attention: Float tensor of shape `(batch, heads, 1 + patches, 1 + patches)`,
            class token first.
        between: Array of shape `(patches, patches)`, the distances of the patches.

    Returns:
        Float32 tensor of shape `(batch, heads)`.
    """
    among = attention[:, :, 1:, 1:]  # (B, heads, N, N)
    between = ops.convert_to_tensor(between, "float32")
    spanned = ops.sum(among * between, axis=-1) / ops.sum(among, axis=-1)
    return ops.mean(spanned, axis=-1)


def patch_distances(grid: tuple[int, int], patch_size: tuple[int, int]) -> NDArray[Any]:
    """Distances of the centres of patches in pixels, float64 `(patches, patches)`.

    Args:
        grid: Pair of ints, the rows and columns of patches.
        patch_size: Pair of ints, the height and width of a patch.
    """
    places = np.indices(grid).reshape(2, -1) * np.array(patch_size)[:, None]  # (2, N)
    apart = places[:, :, None] - places[:, None]  # (2, N, N)
    distances: NDArray[Any] = np.linalg.norm(apart, axis=0)
    return distances
