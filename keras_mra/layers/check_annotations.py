"""Checks of what accompanies the images of a `MaskReconstruct`."""

from typing import Any

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra.layers.protected_patches import BOX_FORMATS
from keras_mra.layers.protected_patches import edges
from keras_mra.typing import Array

ANNOTATIONS = ("segmentation_masks", "bounding_boxes")
# How messages name the entries of a dict of inputs.
MASKS = "inputs['segmentation_masks']"
BOXES = "inputs['bounding_boxes']['boxes']"
LABELS = "inputs['bounding_boxes']['labels']"


def check_protection(protect: Any, bounding_box_format: Any) -> None:
    """Refuses unknown annotations, and boxes without a format."""
    checks.choice("protect", protect, ANNOTATIONS, optional=True)
    name = "bounding_box_format"
    checks.choice(name, bounding_box_format, BOX_FORMATS, optional=True)
    if protect == "bounding_boxes" and bounding_box_format is None:
        raise ValueError(
            "`bounding_box_format` must be given with `protect='bounding_boxes'`, for "
            "instance 'xyxy'. Received: bounding_box_format=None"
        )


def annotation_arrays(inputs: dict[str, Any], protect: str | None) -> dict[str, Any]:
    """Returns the arrays of an annotation, by argument of `MaskReconstruct.call`.

    Args:
        inputs: Dict with images and annotations.
        protect: One of `ANNOTATIONS`, the key of the annotation, or `None`.

    Returns:
        A dict, which is empty if `protect` is `None` or `inputs` lacks the key.

    Raises:
        ValueError: If the boxes are not in a dict, or lists are ragged.
    """
    if protect not in inputs:
        return {}
    annotation = inputs[protect]
    if protect == "segmentation_masks":
        return {"segmentation_masks": checks.as_array(MASKS, annotation)}
    if not isinstance(annotation, dict) or annotation.get("boxes") is None:
        found = (
            f"keys {sorted(map(str, annotation))}"
            if isinstance(annotation, dict)
            else type(annotation).__name__
        )
        raise ValueError(
            "`inputs['bounding_boxes']` must be a dict that holds 'boxes' and "
            f"'labels'. Received: {found}"
        )
    hint = "Images with fewer boxes than others need padding: boxes and labels of -1."
    arrays = {}
    for name, argument in (("boxes", "boxes"), ("labels", "box_labels")):
        array = annotation.get(name)
        if array is None:
            continue
        # A ragged tensor of TensorFlow becomes dense.
        dense = array.to_tensor(-1) if hasattr(array, "to_tensor") else array
        if dense is not array and name == "boxes" and tuple(dense.shape[1:]) == (0,):
            # A batch without any box does not show that a box has four numbers.
            dense = np.zeros((*dense.shape, 4), dense.dtype.as_numpy_dtype)
        arrays[argument] = checks.as_array(
            f"inputs['bounding_boxes']['{name}']", dense, hint
        )
    return arrays


def check_annotated(companions: dict[str, Any], protect: str | None) -> None:
    """Refuses inputs that lack the annotation to protect."""
    argument = "boxes" if protect == "bounding_boxes" else protect
    if argument is not None and argument not in companions:
        raise ValueError(
            f"`inputs` must be a dict that holds '{protect}' beside 'images', because "
            f"the layer has `protect='{protect}'`. Received: no such entry"
        )


def check_companions(
    companions: dict[str, Any],
    num_patches: int,
    images: Array,
    check_values: bool,
    bounding_box_format: str | None,
) -> None:
    """Refuses annotations, and patches to replay, that do not fit the images.

    Args:
        companions: Dict from arguments of `MaskReconstruct.call` to arrays.
        num_patches: Int, the patches of an image.
        images: Array or tensor, checked.
        check_values: Bool, whether the values of concrete tensors are checked. Those
            of NumPy arrays, and of patches to replay, are checked always.
        bounding_box_format: One of `BOX_FORMATS`, or `None` if there are no boxes.
    """
    if "segmentation_masks" in companions:
        masks = companions["segmentation_masks"]
        check_masks(masks, images)
        _check_finite(MASKS, masks, check_values)
    if "boxes" in companions:
        boxes, labels = companions["boxes"], companions.get("box_labels")
        check_boxes(boxes, labels, images)
        _check_finite(BOXES, boxes, check_values)
        if _has_values(boxes, check_values):
            check_order(boxes, labels, str(bounding_box_format))
    if "visible" in companions:
        check_replayed(companions["visible"], num_patches, images)


def check_masks(masks: Array, images: Array) -> None:
    """Refuses masks that do not have one value for each pixel of the images."""
    _check_dtype(MASKS, masks)
    shape, expected = tuple(masks.shape), tuple(images.shape[:-1])
    *leading, last = shape if len(shape) > len(expected) else (*shape, 1)
    if last != 1 or not _agree(tuple(leading), expected):
        raise ValueError(
            f"`{MASKS}` must have one value for each pixel of the "
            f"images: shape {expected} or {(*expected, 1)}. Received: shape {shape}"
        )


def check_boxes(boxes: Array, labels: Array | None, images: Array) -> None:
    """Refuses boxes and labels that do not belong to the images."""
    _check_dtype(BOXES, boxes)
    shape, leading = tuple(boxes.shape), tuple(images.shape[:-3])
    if not _agree(shape, (*leading, None, 4)):
        raise ValueError(
            f"`{BOXES}` must have shape "
            f"{'(batch, boxes, 4)' if leading else '(boxes, 4)'}, for images of shape "
            f"{tuple(images.shape)}. Received: shape {shape}"
        )
    if labels is None:
        return
    _check_dtype(LABELS, labels)
    found = tuple(labels.shape)
    ranks = (len(shape) - 1, len(shape))  # one-hot labels have one more
    if len(found) not in ranks or not _agree(found[: ranks[0]], shape[:-1]):
        raise ValueError(
            f"`{LABELS}` must hold one label for each box of "
            f"shape {shape}. Received: shape {found}"
        )


def check_order(boxes: Array, labels: Array | None, bounding_box_format: str) -> None:
    """Refuses concrete boxes whose right is left of their left, or likewise in height.

    They would protect nothing. Padding, which has boxes or labels of -1, may be so.
    """
    boxes = ops.convert_to_numpy(boxes).astype("float32")
    # The size of the images does not change the order.
    left, top, right, bottom = edges(boxes, bounding_box_format, (1, 1))
    is_reversed = ((right < left) | (bottom < top))[..., 0]  # (..., n)
    is_padding = (boxes == -1).all(axis=-1)
    if labels is not None:
        labels = ops.convert_to_numpy(labels)
        labels = labels if labels.ndim == boxes.ndim else labels[..., None]
        is_padding = is_padding | (labels == -1).all(axis=-1)
    found = boxes[is_reversed & ~is_padding]
    if len(found):
        raise ValueError(
            f"`{BOXES}` must not have negative widths and heights in the "
            f"`bounding_box_format` '{bounding_box_format}'. Received: "
            f"{len(found)} such boxes, the first {found[0].tolist()}"
        )


def check_replayed(visible: Array, num_patches: int, images: Array) -> None:
    """Refuses patches to replay that are not rows of distinct indices or of -1."""
    if len(images.shape) == 3:
        images, visible = images[None], visible[None]
    is_integer = "int" in checks.dtype_name(visible)
    if is_integer and checks.is_concrete(visible) and len(visible.shape) == 2:
        visible = ops.convert_to_numpy(visible)
        is_unchanged = (visible == -1).all(axis=1, keepdims=True)
        some = np.arange(visible.shape[1], dtype=visible.dtype)
        visible = np.where(is_unchanged, some, visible)
    checks.visible_indices(visible, num_patches, images.shape[0])


def _check_dtype(name: str, x: Array) -> None:
    dtype = checks.dtype_name(x)
    if not dtype.startswith(("uint", "int", "float", "bfloat", "bool")):
        raise ValueError(
            f"`{name}` must hold numbers. Received: dtype {dtype}. Words and other "
            "objects belong under another key."
        )


def _check_finite(name: str, x: Array, check_values: bool) -> None:
    """Refuses NaN, which would be an object in a mask, and no place in a box."""
    if not _has_values(x, check_values):
        return
    xp = np if isinstance(x, np.ndarray) else ops
    if "float" in checks.dtype_name(x) and not bool(xp.all(xp.isfinite(x))):
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinite values.")


def _has_values(x: Array, check_values: bool) -> bool:
    """Whether the values are checked: those of arrays are always."""
    return isinstance(x, np.ndarray) or (check_values and checks.is_concrete(x))


def _agree(shape: tuple[Any, ...], expected: tuple[Any, ...]) -> bool:
    """Whether two static shapes can be the same; `None` is unknown."""
    return len(shape) == len(expected) and all(
        None in pair or pair[0] == pair[1] for pair in zip(shape, expected)
    )
