"""How well an attention map tells the object of an image from its background."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra import masking
from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.attention_source import Source
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import percent
from keras_mra.layers import MaskReconstruct
from keras_mra.typing import Array
from keras_mra.typing import Size

# A patch belongs to the foreground if the object covers more of it than this.
FOREGROUND_SHARE = 0.5

# The scores to compare with, as the table names them.
REFERENCES = {
    "center": "centre prior",
    "variance": "patch variance",
    "chance": "chance",
}


@dataclasses.dataclass(frozen=True)
class ForegroundResult(Result):
    """The result of `foreground`.

    Attributes:
        auroc: Float, the area under the ROC curve of each image, averaged.
        deviation: Float, the standard deviation of the area over the images.
        foreground_kept: Float, the share of an image's foreground patches that stay at
            `mask_ratio`, averaged over the images.
        background_repainted: Float, the same for the background patches that are
            repainted.
        references: Dict with the same four numbers for `"center"` (minus the distance
            from the centre of the image), `"variance"` (of the pixels of a patch) and
            `"chance"`.
        mask_ratio: Float.
        images: Int, the images that are measured.
        left_out: Int, the images without a foreground patch or without a background
            patch, which are not measured.
    """

    protocol = "foreground"

    auroc: float
    deviation: float
    foreground_kept: float
    background_repainted: float
    references: dict[str, dict[str, float]]
    mask_ratio: float
    images: int
    left_out: int

    def rows(self) -> list[tuple[str, ...]]:
        found = {"source": dataclasses.asdict(self)}
        found |= {REFERENCES[name]: values for name, values in self.references.items()}
        return [
            ("scores", "AUROC", "foreground kept %", "background repainted %"),
            *(
                (
                    name,
                    f"{values['auroc']:.3f} ± {values['deviation']:.3f}",
                    percent(values["foreground_kept"]),
                    percent(values["background_repainted"]),
                )
                for name, values in found.items()
            ),
        ]


def foreground(
    source: Source,
    images: Array,
    masks: Array,
    mask_ratio: float | None = None,
    *,
    patch_size: Size | None = None,
    batch_size: int = 64,
) -> ForegroundResult:
    """Measures whether attention is higher on the object than on the background.

    A patch belongs to the foreground if the mean of its mask is above 0.5. The AUROC of
    an image is the probability that a foreground patch has a higher score than a
    background patch; equal scores count half. 0.5 is chance. The shares kept and
    repainted are those of a top-k choice at `mask_ratio`. Where the last place falls on
    several equal scores, each of these patches gets the same part of it.

    Args:
        source: `MAE` or `MSA`: its class token's attention in the last block;
            `MaskReconstruct`: the attention that it uses, whatever its `strategy` is;
            Keras model of float32 images, or function of a NumPy batch: its scores
            `(batch, patches)`, at least 0, in raster order.
        images: `(images, height, width, channels)`, as the source expects them.
        masks: `(images, height, width)`, bool, or numbers from 0 to 1. 1 is the object.
        mask_ratio: Float in (0, 1), the share of the patches to repaint. `None` means
            that of a `MaskReconstruct`, and 0.4 for other sources.
        patch_size: Int or pair of ints, the patch of a source that holds no `MAE`.
            `None` means square patches.
        batch_size: Int.

    Returns:
        A `ForegroundResult`.

    Raises:
        ValueError: If an argument or the scores are bad, or no image has both
            foreground and background patches.

    Example:

    ```python
    masks = images[..., 0] > 0  # clothes on black
    print(keras_mra.evaluation.foreground(mae, images, masks))
    ```
    """
    attend = AttentionSource(source, patch_size, batch_size)
    images = attend.check_images(images)
    masks = check_masks(masks, images)
    if mask_ratio is None:
        mask_ratio = 0.4
        if isinstance(source, MaskReconstruct):
            mask_ratio = source.mask_ratio
    if attend.mae is not None:  # Refuses a bad ratio before the first pass.
        masking.num_visible(attend.mae.num_patches, mask_ratio)
    scores, _ = attend(images)  # (B, N)
    size = attend.patches_of(images, scores.shape[1])
    return compare_with_masks(scores, images, masks, size, mask_ratio)


def compare_with_masks(
    scores: NDArray[np.float64],
    images: NDArray[Any],
    masks: NDArray[Any],
    size: tuple[int, int],
    mask_ratio: float,
) -> ForegroundResult:
    """Does what `foreground` does, for scores that are computed already.

    Args:
        scores: Array of shape `(images, patches)`.
        images: Array of shape `(images, height, width, channels)`.
        masks: What `check_masks` returns.
        size: Pair of ints, the height and width of a patch.
        mask_ratio: Float in (0, 1).
    """
    kept = masking.num_visible(scores.shape[1], mask_ratio)
    patches = cut_patches(masks[..., None], size)  # (B, N, pixels, 1)
    is_object = patches.mean(axis=(2, 3), dtype="float64") > FOREGROUND_SHARE
    measured = is_object.any(axis=1) & ~is_object.all(axis=1)
    if not measured.any():
        raise ValueError(
            "`masks` must give at least one image both a patch that is mostly object "
            f"and a patch that is not. Received: none among {len(masks)} masks, "
            f"{is_object.all(axis=1).sum()} of which cover all patches"
        )
    is_object = is_object[measured]
    prior = center_prior(images.shape[1:3], size)
    references = {
        "center": np.tile(prior, (len(images), 1)),
        "variance": patch_variance(images, size),
        "chance": np.zeros(scores.shape),  # all equal
    }
    return ForegroundResult(
        **_separation(scores[measured], is_object, kept),
        references={
            name: _separation(found[measured], is_object, kept)
            for name, found in references.items()
        },
        mask_ratio=float(mask_ratio),
        images=int(measured.sum()),
        left_out=int((~measured).sum()),
    )


def check_masks(masks: Array, images: NDArray[Any]) -> NDArray[Any]:
    """Returns masks as an array if there is one for each image, from 0 to 1."""
    masks = checks.numpy_array("masks", masks)
    kind = masks.dtype.kind
    if kind not in "biuf":
        raise ValueError(
            f"`masks` must hold booleans or numbers. Received: dtype {masks.dtype}"
        )
    if masks.ndim != 3:
        raise ValueError(
            "`masks` must have rank 3, (images, height, width). "
            f"Received: shape {masks.shape}"
        )
    count, *size = images.shape[:3]
    if len(masks) != count:
        raise ValueError(
            "`masks` must be as many as `images`. "
            f"Received: {len(masks)} masks, {count} images"
        )
    if list(masks.shape[1:]) != size:
        raise ValueError(
            f"`masks` must have the size of `images`, {size[0]}x{size[1]} pixels. "
            f"Received: {masks.shape[1]}x{masks.shape[2]} pixels"
        )
    if kind == "f" and np.isnan(masks).any():
        raise ValueError(
            "`masks` must be finite. Received: NaN in "
            f"{np.isnan(masks).any(axis=(1, 2)).sum()} of {count} masks"
        )
    if kind != "b" and (masks.min() < 0 or masks.max() > 1):
        raise ValueError(
            "`masks` must lie in [0, 1], where 1 is the object. Received: values from "
            f"{masks.min()} to {masks.max()}"
        )
    return masks


def _separation(
    scores: NDArray[Any], is_object: NDArray[np.bool_], kept: int
) -> dict[str, float]:
    """The four numbers that a result holds for some scores `(batch, patches)`."""
    areas = auroc(scores, is_object)
    keeps = chance_of_a_place(scores, kept)  # (B, N)
    object_kept = (keeps * is_object).sum(axis=1) / is_object.sum(axis=1)
    repainted = ((1 - keeps) * ~is_object).sum(axis=1) / (~is_object).sum(axis=1)
    return {
        "auroc": float(areas.mean()),
        "deviation": float(areas.std(ddof=1)) if len(areas) > 1 else 0.0,
        "foreground_kept": float(object_kept.mean()),
        "background_repainted": float(repainted.mean()),
    }


def auroc(scores: NDArray[Any], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The area under the ROC curve of each row, from the ranks of its scores.

    Args:
        scores: Array of shape `(batch, patches)`.
        positive: Bool array of the same shape. Each row holds both values.

    Returns:
        Float64 array of shape `(batch,)`.
    """
    ranks = np.empty(scores.shape)
    for row, ordered, own in zip(scores, np.sort(scores, axis=1), ranks):
        # Equal scores share the mean of their ranks.
        own[:] = (
            ordered.searchsorted(row) + ordered.searchsorted(row, "right") + 1
        ) / 2
    positives = positive.sum(axis=1)
    negatives = positive.shape[1] - positives
    excess = (ranks * positive).sum(axis=1) - positives * (positives + 1) / 2
    areas: NDArray[np.float64] = excess / (positives * negatives)
    return areas


def chance_of_a_place(scores: NDArray[Any], places: int) -> NDArray[np.float64]:
    """The chance of each score to be among the largest ones, ties broken at random.

    Args:
        scores: Array of shape `(batch, patches)`.
        places: Int, how many scores of each row are taken.

    Returns:
        Float64 array of shape `(batch, patches)`, whose rows sum to `places`.
    """
    last = np.sort(scores, axis=1)[:, -places, None]
    above, tied = scores > last, scores == last
    left = places - above.sum(axis=1, keepdims=True)
    chances: NDArray[np.float64] = above + tied * left / tied.sum(axis=1, keepdims=True)
    return chances


def center_prior(
    size: tuple[int, ...], patch_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Minus the distance of each patch from the image's centre, in pixels: `(N,)`."""
    grid = [pixels // patch for pixels, patch in zip(size, patch_size)]
    places = np.indices(grid).reshape(2, -1).T + 0.5  # (N, 2)
    offsets = places * patch_size - np.array(size) / 2
    return np.asarray(-np.linalg.norm(offsets, axis=1))


def patch_variance(
    images: NDArray[Any], patch_size: tuple[int, int]
) -> NDArray[np.float64]:
    """The variance of each patch's pixels, averaged over the channels: `(B, N)`."""
    patches = cut_patches(images, patch_size)
    variance: NDArray[np.float64] = patches.var(axis=2, dtype="float64").mean(axis=-1)
    return variance


def cut_patches(images: NDArray[Any], patch_size: tuple[int, int]) -> NDArray[Any]:
    """Cuts images into patches: `(B, H, W, C)` to `(B, patches, pixels, C)`."""
    batch, height, width, channels = images.shape
    ph, pw = patch_size
    x = images.reshape(batch, height // ph, ph, width // pw, pw, channels)
    return x.swapaxes(2, 3).reshape(batch, -1, ph * pw, channels)
