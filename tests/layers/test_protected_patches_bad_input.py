"""What MaskReconstruct refuses where it has to protect annotations."""

import numpy as np
import pytest
from helpers.annotations import make
from keras import ops

from keras_mra.layers import MaskReconstruct


@pytest.mark.parametrize(
    "arguments,message",
    [
        (dict(protect="masks"), "`protect` must be one of .*bounding_boxes.*'masks'"),
        (dict(protect="bounding_boxes"), "`bounding_box_format` must be given.*None"),
        (
            dict(protect="bounding_boxes", bounding_box_format="coco"),
            "`bounding_box_format` must be one of .*rel_xyxy.*'coco'",
        ),
    ],
)
def test_bad_arguments(mae, arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskReconstruct(mae, **arguments)


BOXES = {"boxes": np.zeros((2, 3, 4)), "labels": np.zeros((2, 3))}


@pytest.mark.parametrize(
    "protect,annotation,message",
    [
        ("segmentation_masks", None, "must be a dict that holds 'segmentation_masks'"),
        ("bounding_boxes", None, "must be a dict that holds 'bounding_boxes'"),
        (
            "segmentation_masks",
            np.zeros((2, 6, 6)),
            r"one value for each pixel.*\(2, 12, 12\) or \(2, 12, 12, 1\).*\(2, 6, 6\)",
        ),
        ("segmentation_masks", np.zeros((1, 12, 12)), r"Received: shape \(1, 12, 12\)"),
        ("segmentation_masks", np.zeros((2, 12, 12, 3)), r"shape \(2, 12, 12, 3\)"),
        ("segmentation_masks", np.zeros((12, 12)), r"Received: shape \(12, 12\)"),
        ("bounding_boxes", np.zeros((2, 3, 4)), "dict that holds 'boxes'.*ndarray"),
        ("bounding_boxes", {"labels": 0}, "dict that holds 'boxes'.*keys.*labels"),
        (
            "bounding_boxes",
            {**BOXES, "boxes": np.zeros((3, 4))},
            r"shape \(batch, boxes, 4\).*\(3, 4\)",
        ),
        ("bounding_boxes", {**BOXES, "boxes": np.zeros((2, 3, 5))}, r"\(2, 3, 5\)"),
        ("bounding_boxes", {**BOXES, "labels": np.zeros((2, 4))}, "one label for each"),
        (
            "bounding_boxes",
            {**BOXES, "boxes": np.full((2, 3, 4), np.nan)},
            "must be finite.*NaN",
        ),
        (
            "segmentation_masks",
            np.full((2, 12, 12), np.nan, "float32"),
            r"`inputs\['segmentation_masks'\]` must be finite.*NaN",
        ),
        (
            "segmentation_masks",
            np.full((2, 12, 12), "cat"),
            r"`inputs\['segmentation_masks'\]` must hold numbers.*dtype str",
        ),
        ("segmentation_masks", [[[0] * 12] * 12, [[0]]], "nested lists.*type list"),
        ("segmentation_masks", "masks.png", "nested lists of numbers.*'masks.png'"),
        (
            "bounding_boxes",
            {**BOXES, "labels": np.full((2, 3), "cat")},
            r"`inputs\['bounding_boxes'\]\['labels'\]` must hold numbers.*dtype str",
        ),
        (
            "bounding_boxes",
            {**BOXES, "labels": [["cat"] * 3] * 2},
            r"\['labels'\]` must be an array.*\['cat', 'cat', 'cat'\]",
        ),
        (
            "bounding_boxes",
            {**BOXES, "boxes": [[[0, 0, 1, 1]], [[0, 0, 1, 1], [1, 1, 2, 2]]]},
            r"\['boxes'\]` must be an array.*of type list.*padding: .* of -1",
        ),
        (
            "bounding_boxes",
            {**BOXES, "labels": [[1], [1, 2]]},
            r"\['labels'\]` must be an array.*of type list.*padding: .* of -1",
        ),
        ("bounding_boxes", {**BOXES, "labels": np.zeros(2)}, "one label for each"),
        ("bounding_boxes", {**BOXES, "boxes": None}, "must be a dict that holds 'box"),
        (
            "bounding_boxes",
            {**BOXES, "boxes": np.full((2, 3, 4), 1j)},
            r"\['boxes'\]` must hold numbers.*complex128",
        ),
    ],
)
def test_bad_annotations(mae, images, protect, annotation, message):
    given = {"images": images[:2]}
    if annotation is not None:
        given[protect] = annotation
    with pytest.raises(ValueError, match=message):
        make(mae, protect)(given)


def test_annotations_of_tensors(mae, images):
    """The values of the first tensors are checked; later ones are not waited for."""
    bad = np.full((2, 12, 12), np.nan, "float32")
    layer = make(mae, "segmentation_masks")
    given = {"images": images[:2], "segmentation_masks": bad}
    with pytest.raises(ValueError, match="must be finite.*NaN"):
        layer({name: ops.convert_to_tensor(x) for name, x in given.items()})


@pytest.mark.parametrize(
    "kind, box",
    [
        ("xyxy", [5, 1, 2, 4]), ("xyxy", [2, 4, 5, 1]), ("yxyx", [4, 2, 1, 5]),
        ("xywh", [2, 1, -3, 3]), ("center_xywh", [3, 3, 2, -2]),
        ("center_yxhw", [3, 3, -2, 2]), ("rel_xyxy", [0.5, 0.1, 0.2, 0.4]),
        ("rel_yxyx", [0.5, 0.1, 0.2, 0.4]), ("rel_xywh", [0.1, 0.1, -0.1, 0.1]),
        ("rel_center_xywh", [0.5, 0.5, 0.1, -0.1]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_tensor", [False, True])
def test_reversed_boxes(mae, images, kind, box, as_tensor):
    """They would protect nothing."""
    boxes = np.array([[box, [-1] * 4], [[0] * 4, box]], "float32")
    labels = np.array([[1, -1], [1, -1]])
    made = ops.convert_to_tensor if as_tensor else np.asarray
    one_hot = np.where(labels[..., None] < 0, -1, np.eye(3)[labels])
    pattern = f"not have negative widths and heights.*'{kind}'. Received: [12] such box"
    for given in ({"labels": labels}, {"labels": one_hot}, {}):
        layer = make(mae, "bounding_boxes", bounding_box_format=kind)
        given = {name: made(x) for name, x in given.items()}
        with pytest.raises(ValueError, match=pattern):
            layer(
                {
                    "images": made(images[:2]),
                    "bounding_boxes": {"boxes": made(boxes), **given},
                }
            )
    # What is padding may be anything.
    padding = {"boxes": made(boxes), "labels": made(np.array([[-1, -1], [1, -1]]))}
    layer({"images": made(images[:2]), "bounding_boxes": padding})


def test_annotations_that_nothing_protects_pass(mae, images):
    given = {"images": images[:2], "segmentation_masks": "x", "bounding_boxes": [[1]]}
    found = MaskReconstruct(mae)(given)
    assert found["segmentation_masks"] == "x" and found["bounding_boxes"] == [[1]]


@pytest.mark.parametrize("as_tensor", [False, True])
def test_images_alone(mae, images, annotation, as_tensor):
    given = ops.convert_to_tensor(images) if as_tensor else images
    with pytest.raises(ValueError, match=f"`protect='{annotation}'`"):
        make(mae, annotation)(given)
