"""MaskReconstruct(protect=...): annotated objects are never repainted."""

import json

import keras
import numpy as np
import pytest
from helpers.annotations import PADDING
from helpers.annotations import annotated
from helpers.annotations import check_kept
from helpers.annotations import make
from helpers.annotations import touched
from helpers.small_augmentor import make_mae
from helpers.small_augmentor import to_numpy
from keras import ops

from keras_mra.layers import MaskReconstruct
from keras_mra.layers import protected_patches

# Of Keras' formats, each by hand: left 1, top 2, right 7, bottom 5 in 12 x 12 pixels.
FORMATS = {
    "xyxy": [1, 2, 7, 5],
    "yxyx": [2, 1, 5, 7],
    "xywh": [1, 2, 6, 3],
    "center_xywh": [4, 3.5, 6, 3],
    "center_yxhw": [3.5, 4, 3, 6],
    "rel_xyxy": [1 / 12, 2 / 12, 7 / 12, 5 / 12],
    "rel_yxyx": [2 / 12, 1 / 12, 5 / 12, 7 / 12],
    "rel_xywh": [1 / 12, 2 / 12, 6 / 12, 3 / 12],
    "rel_center_xywh": [4 / 12, 3.5 / 12, 6 / 12, 3 / 12],
}


@pytest.mark.parametrize("strategy", ["attention", "low_attention", "random"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_objects_stay_and_the_ratio_holds(
    mae, images, annotation, strategy, temperature, rng
):
    given, pixels = annotated(images, annotation, rng)
    layer = make(mae, annotation, strategy=strategy, temperature=temperature)
    out = layer(given)
    assert set(out) == {"images", annotation} and out[annotation] is given[annotation]
    check_kept(given, out, pixels, changed_share=1.0)
    # 9 patches, of which 4 stay; an object touches at most 4.
    same = (to_numpy(out["images"]) == images).reshape(16, 3, 4, 3, 4)
    assert (same.all(axis=(2, 4)).sum(axis=(1, 2)) == 4).all()


def test_without_protection_objects_are_repainted(mae, images, annotation, rng):
    given, pixels = annotated(images, annotation, rng)
    out = MaskReconstruct(mae, 0.6)(given)
    assert out[annotation] is given[annotation]
    assert (to_numpy(out["images"]) != images)[..., 0][touched(pixels)].any()


def test_the_strategy_chooses_among_the_other_patches(mae, images):
    masks = np.zeros((16, 12, 12), "int32")
    masks[:, 5, 6] = 1  # the fourth patch alone
    layer = make(mae, "segmentation_masks", return_visible=True)
    found = to_numpy(layer({"images": images, "segmentation_masks": masks})["visible"])
    attention = to_numpy(mae.attention(images))
    order = np.argsort(-attention, axis=1)
    expected = [[4, *[p for p in row if p != 4][:3]] for row in order]
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(expected, axis=1))
    np.testing.assert_array_equal(found[:, 0], 4)


@pytest.mark.parametrize("full", [0, 1])
def test_more_patches_are_protected_than_stay(mae, images, annotation, full):
    """Every pixel of an object stays, however large it is."""
    pixels = np.zeros((16, 12, 12), bool)
    pixels[:, full and 1 or 5 :, :] = True  # 6 patches, or 9
    pixels[0] = False
    given = {"images": images, "segmentation_masks": pixels}
    if annotation == "bounding_boxes":
        box = [0, 1 if full else 5, 12, 12]
        boxes = np.array([[PADDING if i == 0 else box] for i in range(16)], "float32")
        labels = np.where(np.arange(16) == 0, -1, 1)[:, None]
        given = {"images": images, annotation: {"boxes": boxes, "labels": labels}}
    layer = make(mae, annotation, mask_ratio=0.8)  # 2 of 9 stay
    out = layer(given)
    check_kept(given, out, pixels)
    changed = (to_numpy(out["images"]) != images)[..., 0].any(axis=(1, 2))
    assert changed[0] and changed[1:].all() != bool(full)
    assert changed[1:].any() != bool(full)


def test_every_format_of_keras(mae):
    boxes = np.array([FORMATS["xyxy"]], "float32")
    for name, box in FORMATS.items():
        # The hand-made numbers are Keras' own.
        found = keras.utils.bounding_boxes.convert_format(
            np.array([box], "float32"), name, "xyxy", height=12, width=12
        )
        np.testing.assert_allclose(to_numpy(found), boxes, atol=1e-5)
        edges = protected_patches.edges(np.array([[box]]), name, (12, 12))
        np.testing.assert_allclose(
            np.concatenate([to_numpy(e) for e in edges], -1)[0], boxes, atol=1e-5
        )
        for padding in ([0, 0, 0, 0], PADDING):
            both = np.array([[box, padding]], "float32")
            labels = np.array([[0, -1]])
            for given in (labels, None):
                patches = protected_patches.touched_by_boxes(
                    both, given, name, (3, 3), (12, 12)
                )
                np.testing.assert_array_equal(
                    np.nonzero(to_numpy(patches)[0])[0], [0, 1, 3, 4]
                )
    from keras.src.layers.preprocessing.image_preprocessing.bounding_boxes import (
        bounding_box,
    )

    assert set(FORMATS) == set(bounding_box.SUPPORTED_FORMATS)
    assert set(FORMATS) == set(protected_patches.BOX_FORMATS)


def test_boxes_touch_what_their_pixels_touch(rng):
    """Boxes at any place, in sizes that the grid does not divide, pixel by pixel."""
    height, width, grid = 30, 25, (3, 4)
    boxes = rng.uniform(-5, 35, (40, 3, 4)).astype("float32")
    boxes[:20] = np.round(boxes[:20])
    labels = rng.integers(-1, 3, (40, 3))
    found = to_numpy(
        protected_patches.touched_by_boxes(boxes, labels, "xyxy", grid, (height, width))
    )
    y, x = np.arange(height)[:, None], np.arange(width)
    pixels = np.zeros((40, height, width), bool)
    for i in range(40):
        for (left, top, right, bottom), label in zip(boxes[i], labels[i]):
            if label != -1 and left < right and top < bottom:
                pixels[i] |= (y + 1 > top) & (y < bottom) & (x + 1 > left) & (x < right)
    expected = touched(pixels, grid)
    size = (height, width)
    np.testing.assert_array_equal(
        to_numpy(protected_patches.protected_pixels(found, grid, size))[..., 0],
        expected,
    )
    masks = protected_patches.touched_by_masks(pixels, grid, size)
    np.testing.assert_array_equal(to_numpy(masks), found)
    # One-hot labels: padding is -1 in every class.
    one_hot = np.where(labels[..., None] == -1, -1, np.eye(3)[labels])
    again = protected_patches.touched_by_boxes(boxes, one_hot, "xyxy", grid, size)
    np.testing.assert_array_equal(to_numpy(again), found)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32"])
@pytest.mark.parametrize("channel", [False, True])
def test_masks_of_any_dtype(mae, images, dtype, channel, rng):
    given, pixels = annotated(images, "segmentation_masks", rng)
    masks = given["segmentation_masks"].astype(dtype)
    given["segmentation_masks"] = masks[..., None] if channel else masks
    check_kept(given, make(mae, "segmentation_masks")(given), pixels, 1.0)


def test_other_sizes_of_images(mae, annotation, rng):
    images = rng.integers(0, 256, (4, 30, 25, 1)).astype("uint8")
    given, pixels = annotated(images, annotation, rng)
    check_kept(given, make(mae, annotation, resize=True)(given), pixels, 1.0)


def test_tensors_single_images_and_training(mae, images, annotation, rng):
    given, pixels = annotated(images, annotation, rng)
    layer = make(mae, annotation)
    batch = layer(given)
    tensors = keras.tree.map_structure(ops.convert_to_tensor, given)
    out = layer(tensors)
    assert out[annotation] is tensors[annotation]
    check_kept(given, out, pixels, 1.0)
    single = keras.tree.map_structure(lambda x: x[0], given)
    found = to_numpy(layer(single)["images"]).astype(int)
    assert np.abs(found - to_numpy(batch["images"])[0].astype(int)).max() <= 1
    single = keras.tree.map_structure(lambda x: x[0], tensors)
    found = to_numpy(layer(single)["images"]).astype(int)
    assert np.abs(found - to_numpy(batch["images"])[0].astype(int)).max() <= 1
    for unchanged in (layer(given, training=False), layer(tensors, training=False)):
        np.testing.assert_array_equal(to_numpy(unchanged["images"]), images)
    np.testing.assert_array_equal(to_numpy(layer(images, training=False)), images)


def test_rate(mae, images, annotation, rng):
    given, pixels = annotated(images, annotation, rng)
    check_kept(given, make(mae, annotation, rate=0.5)(given), pixels)
    out = make(mae, annotation, rate=0.0)(given)
    np.testing.assert_array_equal(to_numpy(out["images"]), images)


@pytest.mark.parametrize("batched", [True, False])
def test_in_tf_data(mae, images, annotation, batched, rng):
    tf = pytest.importorskip("tensorflow")
    given, pixels = annotated(images, annotation, rng)
    layer = make(mae, annotation)
    want = to_numpy(layer(given)["images"]).astype(int)
    data = tf.data.Dataset.from_tensor_slices(given)
    spec = data.element_spec
    data = data.batch(16).map(layer) if batched else data.map(layer).batch(16)
    if not batched:
        assert data.unbatch().element_spec == spec
    found = next(iter(data.as_numpy_iterator()))
    keras.tree.map_structure(
        np.testing.assert_array_equal, found[annotation], given[annotation]
    )
    check_kept(given, found, pixels, 1.0)
    assert np.abs(found["images"].astype(int) - want).max() <= 1


def test_in_tf_data_of_unknown_size_and_number(mae, annotation):
    tf = pytest.importorskip("tensorflow")
    layer = make(mae, annotation, resize=True)
    sizes = [(12, 12), (20, 30), (9, 7), (33, 12)]
    if annotation == "bounding_boxes":
        spec = {
            "boxes": tf.TensorSpec([None, 4], tf.float32),
            "labels": tf.TensorSpec([None], tf.int32),
        }
        annotations = [
            {"boxes": np.tile([[1.0, 2, 6, 5]], (n, 1)), "labels": np.arange(n)}
            for n in range(4)
        ]
    else:
        spec = tf.TensorSpec([None, None], tf.uint8)
        annotations = [np.zeros(s, "uint8") for s in sizes]
        for mask in annotations[1:]:
            mask[2:5, 1:6] = 1
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*s, 1)).astype("uint8") for s in sizes]
    data = tf.data.Dataset.from_generator(
        lambda: (
            {"images": image, annotation: given}
            for image, given in zip(images, annotations)
        ),
        output_signature={
            "images": tf.TensorSpec([None, None, 1], tf.uint8),
            annotation: spec,
        },
    )
    found = list(data.map(layer, num_parallel_calls=2).as_numpy_iterator())
    for i, out in enumerate(found):
        pixels = np.zeros((1, *sizes[i]), bool)
        pixels[0, 2:5, 1:6] = i > 0
        given = {"images": images[i][None]}
        check_kept(given, {"images": out["images"][None]}, pixels, 1.0)


def test_ragged_boxes_in_tf_data(mae, images):
    tf = pytest.importorskip("tensorflow")
    layer = make(mae, "bounding_boxes")
    boxes = tf.ragged.constant(
        [[[1.0, 2, 6, 5]], [], [[8.0, 8, 9, 9]] * 2], inner_shape=(4,)
    )
    labels = tf.ragged.constant([[0], [], [1, 2]], dtype=tf.int32)
    data = tf.data.Dataset.from_tensors(
        {"images": images[:3], "bounding_boxes": {"boxes": boxes, "labels": labels}}
    )
    out = next(iter(data.map(layer)))
    pixels = np.zeros((3, 12, 12), bool)
    pixels[0, 2:5, 1:6] = pixels[2, 8, 8] = True
    check_kept({"images": images[:3]}, out, pixels, 1.0)
    assert isinstance(out["bounding_boxes"]["boxes"], tf.RaggedTensor)


def test_a_ragged_batch_without_any_box(mae, images):
    tf = pytest.importorskip("tensorflow")
    layer = make(mae, "bounding_boxes")
    # Of rank 2: nothing shows that a box has four numbers.
    boxes = tf.ragged.constant([[], [], []], dtype="float32")
    labels = tf.ragged.constant([[], [], []], dtype="int32")
    given = {"images": images[:3], "bounding_boxes": {"boxes": boxes}}
    given["bounding_boxes"]["labels"] = labels
    check_kept({"images": images[:3]}, layer(given), np.zeros((3, 12, 12), bool), 1.0)


def test_fit_on_a_mapped_tf_data(mae, images, annotation, rng):
    """A model that learns to find changed pixels finds none among an object's."""
    tf = pytest.importorskip("tensorflow")
    given, pixels = annotated(images, annotation, rng)
    layer = make(mae, annotation)
    data = tf.data.Dataset.from_tensor_slices((given, touched(pixels), images))
    data = data.batch(8).map(
        lambda x, kept, before: (
            tf.cast(layer(x)["images"], "float32"),
            tf.cast(before, "float32"),
            tf.cast(kept[..., None], "float32"),
        )
    )
    model = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Identity()])
    model.compile(loss="mae")
    assert model.fit(data, verbose=0).history["loss"] == [0.0]


def test_fit_with_the_layer_inside(mae, images, annotation, rng, tmp_path):
    """A Functional model of dict inputs augments in `fit` and not in `predict`."""
    given, pixels = annotated(images, annotation, rng)
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(x.shape[1:], dtype=x.dtype.name), given
    )
    augmented = make(mae, annotation)(inputs)["images"]
    difference = keras.layers.Subtract()(
        [keras.layers.Rescaling(1.0)(x) for x in (augmented, inputs["images"])]
    )
    model = keras.Model(inputs, difference)
    everywhere = np.ones((16, 12, 12, 1), "float32")
    weights = touched(pixels)[..., None].astype("float32")
    zeros = np.zeros_like(everywhere)
    model.compile(loss="mae")
    assert model.fit(given, zeros, sample_weight=weights, verbose=0).history[
        "loss"
    ] == [0.0]
    assert model.fit(given, zeros, verbose=0).history["loss"][0] > 1
    assert not model.predict(given, verbose=0).any()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loss = loaded.fit(given, zeros, sample_weight=weights, verbose=0).history["loss"]
    assert loss == [0.0]


def test_in_grain(mae, images, annotation, rng):
    grain = pytest.importorskip("grain")
    given, pixels = annotated(images, annotation, rng)
    rows = [keras.tree.map_structure(lambda x, i=i: x[i], given) for i in range(16)]
    layer = make(mae, annotation, strategy="random", return_visible=True)
    data = grain.MapDataset.source(rows).seed(4).random_map(layer.random_map)
    found = [data[i] for i in range(16)]
    batch = {"images": np.stack([x["images"] for x in found])}
    check_kept(given, batch, pixels, 1.0)
    np.testing.assert_array_equal(data[3]["images"], found[3]["images"])
    assert found[3][annotation] is rows[3][annotation]
    assert found[3]["visible"].shape == (4,)


def test_attention_of_another_model(mae, images, annotation, rng):
    given, pixels = annotated(images, annotation, rng)
    scores = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.AveragePooling2D(4),
            keras.layers.Flatten(),
        ]
    )
    layer = make(mae, annotation, attention_model=scores)
    check_kept(given, layer(given), pixels, 1.0)


def test_saving(mae, images, annotation, rng):
    given, pixels = annotated(images, annotation, rng)
    layer = make(mae, annotation)
    document = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(document)))
    assert again.protect == annotation
    assert again.bounding_box_format == layer.bounding_box_format
    check_kept(given, again(given), pixels, 1.0)


def test_rectangular_grids(rng):
    mae = make_mae((8, 16, 3), (4, 8))
    images = rng.integers(0, 256, (8, 8, 16, 3)).astype("uint8")
    masks = np.zeros((8, 8, 16), "uint8")
    masks[:4, 1, 9] = masks[4:, 6, 2] = 1
    given = {"images": images, "segmentation_masks": masks}
    layer = make(mae, "segmentation_masks", mask_ratio=0.75)
    same = (to_numpy(layer(given)["images"]) == images).all(axis=-1)
    np.testing.assert_array_equal(same, touched(masks > 0, (2, 2)))
