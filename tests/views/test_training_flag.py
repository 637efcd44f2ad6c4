"""`data.map(layer)` over pairs, whose labels would arrive as `training`."""

import keras
import numpy as np
import pytest
from helpers.small_augmentor import make_mae

from keras_mra import layers
from keras_mra import views

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 1)).astype("uint8")
LABELS = np.arange(4)
REPLACEMENT = r"`training` must be True.*lambda image, label: \(layer\(image\), label\)"

AUGMENTATIONS = {
    "MaskReconstruct": lambda: layers.MaskReconstruct(make_mae(), 0.5, seed=0),
    "RandomApply": lambda: layers.RandomApply(keras.layers.Rescaling(2.0), 0.5),
    "RandomBlur": lambda: layers.RandomBlur((0.5, 1.0)),
    "RandomResizedCrop": lambda: layers.RandomResizedCrop((0.2, 1.0)),
    "AugMix": layers.AugMix,
    "RandAugment": layers.RandAugment,
    "TrivialAugment": layers.TrivialAugment,
    "View": lambda: views.weak((12, 12, 1)),
}


@pytest.fixture(params=AUGMENTATIONS)
def layer(request):
    return AUGMENTATIONS[request.param]()


@pytest.mark.parametrize("batched", [True, False])
def test_pairs_are_refused_in_tf_data(layer, batched):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))
    data = data.batch(2) if batched else data
    shape = r"\(None,\)" if batched else r"\(\)"
    received = rf"Received: training=a tensor of dtype int64 and shape {shape}"
    with pytest.raises(ValueError, match=f"(?s){REPLACEMENT}.*{received}"):
        data.map(layer)


def test_the_replacements_in_the_message_work(layer):
    import tensorflow as tf

    pairs = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(4)
    images, labels = next(iter(pairs.map(lambda image, label: (layer(image), label))))
    assert images.shape == IMAGES.shape and list(labels) == list(LABELS)
    dicts = pairs.map(lambda image, label: {"images": image, "labels": label})
    batch = next(iter(dicts.map(layer)))
    assert batch["images"].shape == IMAGES.shape
    assert list(batch["labels"]) == list(LABELS)


@pytest.mark.parametrize(
    "labels, received",
    [
        (LABELS, r"a tensor of dtype int64 and shape \(4,\)"),
        (np.array([True, False, True, True]), r"dtype bool and shape \(4,\)"),
        (1, r"1 \(of type int\)"),
        ("cat", r"'cat' \(of type str\)"),
        ([1, 0, 2, 1], r"of type list"),
    ],
    ids=str,
)
def test_labels_are_refused_in_a_call(layer, labels, received):
    with pytest.raises(ValueError, match=f"{REPLACEMENT}.*Received: .*{received}"):
        layer(IMAGES, labels)
    with pytest.raises(ValueError, match=REPLACEMENT):
        layer({"images": IMAGES}, labels)


def test_flags_of_numpy_are_flags():
    layer = AUGMENTATIONS["MaskReconstruct"]()
    unchanged = keras.ops.convert_to_numpy(layer(IMAGES, np.bool_(False)))
    np.testing.assert_array_equal(unchanged, IMAGES)
    changed = keras.ops.convert_to_numpy(layer(IMAGES, np.bool_(True)))
    assert (changed != IMAGES).any()
