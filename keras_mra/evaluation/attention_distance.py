"""How far the heads of an encoder look."""

import dataclasses

import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.evaluation.features import FeatureExtractor
from keras_mra.evaluation.features import mae_of
from keras_mra.evaluation.results import Result
from keras_mra.vit.encoder import attention_maps


@dataclasses.dataclass(frozen=True)
class AttentionDistanceResult(Result):
    """What `attention_distance` measured.

    Attributes:
        distance: Tuple with a tuple for each block, of each head's mean distance in
            pixels.
        uniform: Float, the distance of a head that attends to all patches alike.
        images: Int.
    """

    protocol = "attention_distance"

    distance: tuple[tuple[float, ...], ...]
    uniform: float
    images: int

    def rows(self):
        return [
            ("block", "mean, pixels", "nearest head", "farthest head"),
            *(
                (
                    str(block),
                    *(f"{f(heads):.2f}" for f in (np.mean, min, max)),
                )
                for block, heads in enumerate(self.distance)
            ),
            ("uniform", *(f"{self.uniform:.2f}",) * 3),
        ]


def attention_distance(encoder, images, *, batch_size=64):
    """Measures the mean distance that attention spans, head by head.

    From each patch to every patch, the distance of their centres weighted by the
    attention (Raghu et al., 2021), averaged over the asking patches and the images.
    Small distances are local, like a convolution's; `uniform` in the result is where a
    head stands that does not look at anything in particular. The class token is left
    out, and what remains of its row is rescaled to sum 1.

    Args:
        encoder: `MAE` or `MSA`; it sees the images whole.
        images: `(images, height, width, channels)`, in the `value_range` of the `MAE`.
        batch_size: Int; all heads of a block take `batch_size * patches ** 2` numbers
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
            "`encoder` must be an MAE or an MSA, whose blocks can be asked. "
            f"Received: encoder={encoder!r} (of type {type(encoder).__name__})"
        )
    images = np.asanyarray(images)
    checks.image_batch(images, mae.image_shape)
    checks.pixel_values(images, mae.value_range)
    between = patch_distances(mae.grid, mae.patch_size)

    def spans(batch):
        maps = attention_maps(mae.encoder, mae.embed(batch))
        found = [mean_distance(attention, between) for attention in maps]
        return ops.concatenate(found, axis=-1)  # (B, depth * heads)

    compiled = backend.compiled(mae, spans)
    # The extractor cuts images into batches of one size.
    found = FeatureExtractor(compiled, batch_size=batch_size)(images)
    mean = found.mean(axis=0, dtype="float64")
    mean = mean.reshape(mae.encoder_depth, mae.encoder_heads)
    return AttentionDistanceResult(
        distance=tuple(tuple(heads) for heads in mean.tolist()),
        uniform=float(between.mean()),
        images=len(images),
    )


def mean_distance(attention, between):
    """The distance that attention among patches spans, for each image and head.

    Args:
        attention: Float tensor of shape `(batch, heads, 1 + patches, 1 + patches)`,
            class token first.
        between: Array of shape `(patches, patches)`, the patches' distances.

    Returns:
        Float32 tensor of shape `(batch, heads)`.
    """
    among = attention[:, :, 1:, 1:]
    between = ops.convert_to_tensor(between, "float32")
    spanned = ops.sum(among * between, axis=-1) / ops.sum(among, axis=-1)
    return ops.mean(spanned, axis=-1)


def patch_distances(grid, patch_size):
    """Distances of the centres of patches in pixels, float64 `(patches, patches)`.

    Args:
        grid, patch_size: Pairs of ints, rows and columns.
    """
    places = np.indices(grid).reshape(2, -1) * np.array(patch_size)[:, None]  # (2, N)
    return np.linalg.norm(places[:, :, None] - places[:, None], axis=0)
