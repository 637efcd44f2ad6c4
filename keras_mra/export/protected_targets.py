"""Boxes and masks of PyTorch's data sets, as `MaskReconstruct(protect=...)` takes them.

torchvision passes a dict with `boxes` `(boxes, 4)` and `masks` `(masks, height, width)`
beside the image, or the mask of a segmentation itself. Albumentations passes `bboxes`,
`mask` and `masks`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra.export.to_pixels import is_pil
from keras_mra.export.to_pixels import is_tensor

KEYS = {"bounding_boxes": ("boxes", "bboxes"), "segmentation_masks": ("masks", "mask")}


def protected_targets(
    protect: str | None, targets: Sequence[Any], shape: tuple[int, ...]
) -> dict[str, Any]:
    """Finds the annotation that a layer protects.

    Args:
        protect: `"bounding_boxes"`, `"segmentation_masks"` or `None`.
        targets: What accompanies the image.
        shape: Shape of the image, `(height, width, channels)`.

    Returns:
        A dict with the entry `protect`; empty for `None`.

    Raises:
        ValueError: If there is no such annotation, it does not fit the image, or the
            image is a batch.
    """
    if protect is None:
        return {}
    if len(shape) != 3:
        raise ValueError(
            f"`image` must be one image, because the layer has protect={protect!r}. "
            f"Received: a batch of {shape[0]} images"
        )
    found = [
        target[key]
        for target in targets
        if isinstance(target, dict)
        for key in KEYS[protect]
        if target.get(key) is not None
    ]
    if protect == "segmentation_masks":
        found += [x for x in targets if _is_array(x) and np.ndim(x) >= 2]
    if not found:
        raise ValueError(
            f"`target` must be a dict that holds one of {KEYS[protect]}, because the "
            f"layer has protect={protect!r}. Received: {_described(targets)}"
        )
    if protect == "bounding_boxes":
        return {protect: _boxes(found)}
    masks = [_mask(x, shape[:2]) for x in found]
    return {protect: np.any(masks, axis=0)}  # (H, W)


def _boxes(found: list[Any]) -> dict[str, NDArray[Any]]:
    """All boxes, and labels that mark padding by -1."""
    # Albumentations may append labels, words too, to the four numbers of a box.
    rows = [list(row)[:4] for boxes in found for row in _array(boxes)]
    boxes = np.array(rows, "float32").reshape(-1, 4)
    # A few sizes instead of each number of boxes, which backends would compile for.
    size = 1 << max(len(boxes) - 1, 0).bit_length()
    padding = ((0, size - len(boxes)), (0, 0))
    labels = np.where(np.arange(size) < len(boxes), 0, -1).astype("int32")
    return {"boxes": np.pad(boxes, padding), "labels": labels}


def _mask(masks: Any, size: tuple[int, ...]) -> NDArray[Any]:
    """The pixels of any object, bool `(height, width)`."""
    array = np.asarray(_array(masks)) != 0
    if array.size == 0:
        return np.zeros(size, bool)
    if array.shape == size:
        return array
    for axis, rest in ((0, array.shape[1:]), (-1, array.shape[:-1])):
        if rest == size:
            return array.any(axis=axis)
    raise ValueError(
        f"`masks` must have the height and width of the image, {size}. Received: shape "
        f"{array.shape}"
    )


def _array(x: Any) -> Any:
    if is_tensor(x):
        return x.detach().cpu().numpy()
    if isinstance(x, (list, tuple)):
        return [_array(row) for row in x]
    return np.asarray(x) if is_pil(x) else x


def _is_array(x: Any) -> bool:
    return is_pil(x) or is_tensor(x) or isinstance(x, np.ndarray)


def _described(targets: Sequence[Any]) -> str:
    return (
        ", ".join(
            f"a dict with the keys {sorted(map(str, x))}"
            if isinstance(x, dict)
            else f"a {type(x).__name__}"
            for x in targets
        )
        or "the image alone"
    )
