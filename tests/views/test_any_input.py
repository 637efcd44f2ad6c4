"""Dtypes and empty batches, for every augmentation on every backend."""

import keras
import numpy as np
import pytest
from helpers.small_augmentor import make_mae
from keras import ops

from keras_mra import layers
from keras_mra import views

IMAGES = np.random.default_rng(0).integers(0, 128, (4, 12, 12, 1)).astype("uint8")
DTYPES = [
    "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64", "float16",
    "float32", "float64",
]  # fmt: skip


@pytest.fixture(scope="module")
def mae():
    return make_mae()


def make(name, mae):
    return {
        "MaskReconstruct": lambda: layers.MaskReconstruct(mae, seed=0),
        "AttentiveCutout": lambda: layers.AttentiveCutout(mae, seed=0),
        "RandomResizedCrop": lambda: layers.RandomResizedCrop(seed=0),
        "RandomBlur": lambda: layers.RandomBlur(seed=0),
        "RandomApply": lambda: layers.RandomApply(layers.RandomBlur(seed=0), seed=0),
        "TrivialAugment": lambda: layers.TrivialAugment(seed=0),
        "weak": lambda: views.weak((12, 12, 1), seed=0),
        "strong": lambda: views.strong((12, 12, 1), seed=0),
    }[name]()


# Those with a range of values.
RANGED = ["MaskReconstruct", "AttentiveCutout", "TrivialAugment"]
KEEP_DTYPES = [*RANGED, "RandomResizedCrop", "RandomBlur", "RandomApply"]
ALL = [*KEEP_DTYPES, "weak", "strong"]


def dtype_of(x):
    return keras.backend.standardize_dtype(x.dtype)


def inputs_of(array):
    """The array, and a tensor where the backend has the dtype."""
    tensor = ops.convert_to_tensor(array)
    return [array, tensor] if dtype_of(tensor) == array.dtype.name else [array]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", KEEP_DTYPES)
def test_dtype_in_is_dtype_out(mae, name, training):
    layer = make(name, mae)
    for dtype in DTYPES:
        for images in inputs_of(IMAGES.astype(dtype)):
            if name in RANGED and dtype == "int8":
                continue  # refused, see below
            found = layer(images, training=training)
            assert dtype_of(found) == dtype, dtype
            values = ops.convert_to_numpy(found).astype("float64")
            assert values.min() >= 0 and values.max() <= 255
            if not training:
                np.testing.assert_array_equal(values, IMAGES)


@pytest.mark.parametrize("name", ALL)
def test_uint64_is_refused(mae, name):
    with pytest.raises(ValueError, match="`inputs` must hold .*Received: dtype uint64"):
        make(name, mae)(IMAGES.astype("uint64"))


@pytest.mark.parametrize("dtype, top", [("int8", 255), ("uint8", 256), ("int16", 4e4)])
def test_dtypes_that_cannot_hold_the_paint(dtype, top):
    mae = make_mae(value_range=(0, top))
    message = (
        f"must have a dtype that holds the `value_range` .*Received: dtype {dtype}"
    )
    for images in inputs_of(IMAGES.astype(dtype)):
        with pytest.raises(ValueError, match="`inputs` " + message):
            layers.MaskReconstruct(mae)(images)
        with pytest.raises(ValueError, match="`inputs` " + message):
            layers.TrivialAugment((0, top))(images)
        with pytest.raises(ValueError, match="`images` " + message):
            mae.reconstruct(images, np.zeros((4, 1), "int32"))


def test_a_range_that_float32_rounds_up():
    mae = make_mae(value_range=(0, 2**31 - 1))
    with pytest.raises(ValueError, match="must have a dtype that holds the `value_ran"):
        layers.MaskReconstruct(mae)(IMAGES.astype("int32"))


@pytest.mark.parametrize("name", ALL)
def test_empty_batches_pass_through(mae, name):
    layer = make(name, mae)
    dtype = "uint8" if name in KEEP_DTYPES else "float32"
    for images in inputs_of(IMAGES[:0]):
        for _ in range(2):  # the first tensor is checked more closely
            found = layer(images)
            assert tuple(found.shape) == (0, 12, 12, 1) and dtype_of(found) == dtype
    assert len(layer(IMAGES)) == 4


@pytest.mark.parametrize("name", ALL)
def test_empty_batches_in_tf_data(mae, name):
    tf = pytest.importorskip("tensorflow")
    layer = make(name, mae)
    data = tf.data.Dataset.from_tensor_slices(IMAGES).batch(2)
    data = data.map(lambda x: tf.cond(x[0, 0, 0, 0] < 0, lambda: x, lambda: x[:0]))
    shapes = [tuple(images.shape) for images in data.map(layer)]
    assert shapes == [(0, 12, 12, 1)] * 2


def test_empty_batches_with_more_entries(mae):
    layer = layers.MaskReconstruct(mae, return_visible=True)
    mix = layers.AttentiveCutMix(mae, 0.25)
    for images in inputs_of(IMAGES[:0]):
        assert [tuple(x.shape) for x in layer(images)] == [(0, 12, 12, 1), (0, 5)]
        batch = {"images": images, "labels": np.zeros((0, 3), "float32")}
        shapes = {name: tuple(x.shape) for name, x in mix(batch).items()}
        assert shapes == {"images": (0, 12, 12, 1), "labels": (0, 3)}


def test_empty_batches_of_a_model(mae):
    visible = np.zeros((0, 3), "int32")
    for images in inputs_of(IMAGES[:0]):
        assert tuple(mae.encode(images).shape) == (0, 10, 16)
        assert tuple(mae.attention(images).shape) == (0, 9)
        assert tuple(mae.reconstruct(images, visible).shape) == (0, 12, 12, 1)
        with pytest.raises(ValueError, match="`images` must not be empty for a loss"):
            mae.reconstruction_loss(images, visible)


@pytest.mark.parametrize("name", ["weak", "strong", "RandomBlur"])
def test_a_pipeline_without_training_has_the_dtype_of_one_with_it(mae, name):
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(IMAGES).batch(2)
    layer = make(name, mae)
    on, off = (
        data.map(lambda x, training=training: layer(x, training=training))
        for training in (True, False)
    )
    assert on.element_spec == off.element_spec
    np.testing.assert_array_equal(next(iter(off)), IMAGES[:2])
