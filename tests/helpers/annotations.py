"""Images with annotated objects, and layers that protect them."""

import numpy as np

from helpers.small_augmentor import to_numpy
from keras_mra.layers import MaskReconstruct

PADDING = [-1, -1, -1, -1]


def make(mae, annotation, **kwargs):
    kwargs = {"mask_ratio": 0.6, "seed": 0, **kwargs}
    if annotation == "bounding_boxes":
        kwargs.setdefault("bounding_box_format", "xyxy")
    return MaskReconstruct(mae, protect=annotation, **kwargs)


def annotated(images, annotation, rng):
    """A dict of the images with objects, and which pixels the objects cover."""
    count, height, width = images.shape[:3]
    pixels = np.zeros((count, height, width), bool)
    boxes = np.full((count, 2, 4), -1, "float32")
    for i in range(count):
        top, left = rng.integers(0, [height - 3, width - 3])
        pixels[i, top : top + 3, left : left + 2] = True
        boxes[i, 0] = [left, top, left + 2, top + 3]
    if annotation == "segmentation_masks":
        return {"images": images, annotation: 7 * pixels.astype("uint8")}, pixels
    labels = np.tile(np.array([[3, -1]], "int32"), (count, 1))
    return {"images": images, annotation: {"boxes": boxes, "labels": labels}}, pixels


def touched(pixels, grid=(3, 3)):
    """The pixels of all patches that hold an object's pixel, counted one by one."""
    count, height, width = pixels.shape
    rows = (2 * np.arange(height) + 1) * grid[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * grid[1] // (2 * width)
    out = np.zeros_like(pixels)
    for i, y, x in zip(*np.nonzero(pixels)):
        out[i] |= (rows == rows[y])[:, None] & (columns == columns[x])
    return out


def check_kept(given, out, pixels, changed_share=None):
    """Every pixel of a touched patch is the input's."""
    same = (to_numpy(out["images"]) == given["images"]).all(axis=-1)
    assert same[touched(pixels)].all()
    if changed_share is not None:
        assert (~same).any(axis=(1, 2)).mean() == changed_share
