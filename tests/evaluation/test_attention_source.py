"""Attention of every kind of source, and the refusal of what is none."""

import types

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize
from helpers.reference_mae import ReferenceMAE
from keras import ops

import keras_mra
from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.in_batches import in_batches
from keras_mra.layers import MaskReconstruct

pytestmark = pytest.mark.usefixtures("quick_compilation")

SHAPE = (6, 12, 1)  # a grid of 3 x 4 patches, each of 2 x 3 pixels


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE(SHAPE, (2, 3), mask_ratio=0.4, **TINY))


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (5, *SHAPE), dtype="uint8")


def reference_rows(mae, images, block):
    """The class token's attention to all tokens, `(images, 1 + patches)`, float64."""
    reference = ReferenceMAE(mae)
    rows = []
    for image in images:
        patches = reference._patches(image)
        x = reference._tokens(patches, range(len(patches)))
        *earlier, last = reference.encoder_blocks[: block + 1]
        for weights in earlier:
            x = reference.transform(x, weights, reference.encoder_heads)
        maps = reference.attention_weights(x, last, reference.encoder_heads)
        rows.append(np.mean(maps, axis=0)[0])
    return np.array(rows)


@pytest.mark.parametrize("kind", ["mae", "msa", "layer"])
def test_attention_of_an_mae(mae, images, kind):
    source, block = {
        "mae": lambda: (mae, 1),
        "msa": lambda: (types.SimpleNamespace(mae=mae), 1),
        "layer": lambda: (MaskReconstruct(mae, attention_block=0), 0),
    }[kind]()
    scores, to_itself = AttentionSource(source, batch_size=2)(images)
    expected = reference_rows(mae, images, block)
    np.testing.assert_allclose(to_itself, expected[:, 0], atol=1e-4)
    expected = expected[:, 1:] / expected[:, 1:].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    np.testing.assert_allclose(scores.sum(axis=1), 1)


def test_attention_of_a_layer_at_another_resolution(mae, images):
    layer = MaskReconstruct(mae, attention_resolution=(4, 6), attention_block=0)
    scores, to_itself = AttentionSource(layer)(images)
    expected = ops.convert_to_numpy(mae.attention(images, 0, (4, 6)))
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert to_itself is None


def brightness():
    """A Keras model: the mean of each patch of 2 x 3 pixels."""
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Dropout(0.5),
            keras.layers.AveragePooling2D((2, 3)),
            keras.layers.Flatten(),
        ]
    )


@pytest.mark.parametrize("kind", ["layer", "model", "function"])
def test_scores_of_a_model_or_a_function(mae, images, kind):
    means = images.reshape(5, 3, 2, 4, 3).mean(axis=(2, 4)).reshape(5, 12)
    source = {
        "layer": lambda: MaskReconstruct(mae, attention_model=brightness()),
        "model": brightness,
        "function": lambda: (
            lambda x: x.reshape(-1, 3, 2, 4, 3).mean(axis=(2, 4)).reshape(-1, 12)
        ),
    }[kind]()
    patch_size = None if kind == "layer" else (2, 3)
    attend = AttentionSource(source, patch_size, batch_size=2)
    scores, to_itself = attend(attend.check_images(images))
    np.testing.assert_allclose(scores, means, rtol=1e-5)
    assert to_itself is None and attend.patches_of(images, 12) == (2, 3)


def test_attention_of_a_mae_on_another_grid(mae, images):
    """The `MAE` inside has patches of 2 x 3 pixels. Its images were scored by these."""
    attention = keras_mra.attention_of(mae, grid=(6, 4))
    large = images.repeat(2, axis=1).repeat(2, axis=2)  # (5, 12, 24, 1)
    attend = AttentionSource(attention)
    scores, to_itself = attend(attend.check_images(large))
    expected = ops.convert_to_numpy(attention(ops.convert_to_tensor(large)))
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert to_itself is None and attend.patches_of(large, 24) == (2, 6)


@pytest.mark.once
def test_batches_of_one_size_are_joined_in_order():
    sizes = []

    def tenfold(first, second):
        sizes.append(len(first))
        return 10 * first + second

    numbers = np.arange(7)
    found = in_batches(tenfold, 3, numbers, numbers[::-1])
    np.testing.assert_array_equal(found, 10 * numbers + numbers[::-1])
    assert sizes == [3, 3, 3]
    np.testing.assert_array_equal(
        in_batches(tenfold, 9, numbers, numbers), 11 * numbers
    )


@pytest.mark.once
def test_square_patches_follow_from_their_number():
    attend = AttentionSource(lambda images: images)
    images = np.zeros((1, 6, 12, 1))
    assert attend.patches_of(images, 8) == (3, 3)
    assert attend.patches_of(images, 72) == (1, 1)
    for count in (1, 5, 7, 9, 73):
        with pytest.raises(ValueError, match=f"6x12 pixels.*{count} scores.*square"):
            attend.patches_of(images, count)
    with pytest.raises(ValueError, match=r"12 scores.*\(2, 4\) pixels"):
        AttentionSource(lambda images: images, (2, 4)).patches_of(images, 12)


@pytest.mark.once
@pytest.mark.parametrize(
    "scores, message",
    [
        (np.ones((3, 4)), r"shape \(batch, patches\).*shape \(3, 4\) for 5 images"),
        (np.ones((5, 2, 2)), r"shape \(batch, patches\).*\(5, 2, 2\)"),
        (np.ones((5, 1)), "at least two patches"),
        ([np.ones((5, 4))], "shape of a list"),
        (-np.eye(5, 4), "at least 0.*for 4 of 5 images"),
        (np.where(np.eye(5, 4), np.nan, 1), "finite.*for 4 of 5 images"),
    ],
)
def test_bad_scores_are_named(scores, message):
    attend = AttentionSource(lambda images: scores)
    with pytest.raises(ValueError, match=f"`source` must return.*{message}"):
        attend(np.zeros((5, 4, 4, 1)))


@pytest.mark.once
def test_bad_arguments_are_named(mae, images):
    with pytest.raises(ValueError, match="`source` must be an MAE.*'mae_nano'.*str"):
        AttentionSource("mae_nano")
    with pytest.raises(ValueError, match=r"`patch_size` must be None.*\(2, 3\)"):
        AttentionSource(mae, patch_size=2)
    with pytest.raises(ValueError, match="`images` must have shape.*height is 3"):
        AttentionSource(mae).check_images(images[:, :3])
    with pytest.raises(ValueError, match="`images` must lie in .*`value_range`"):
        AttentionSource(mae).check_images(images * 2.0)
    for empty in (images[:0], images[:, :0]):
        with pytest.raises(ValueError, match="`images` must not be empty"):
            AttentionSource(brightness).check_images(empty)
