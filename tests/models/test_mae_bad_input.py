"""What `MAE` refuses, and what it warns of."""

import re
import warnings

import numpy as np
import pytest
from helpers.models import TINY
from helpers.small_mae import PATCH
from helpers.small_mae import SHAPE
from helpers.small_mae import make_mae
from keras import ops

import keras_mra


@pytest.mark.parametrize(
    "arguments, pattern",
    [
        (dict(image_shape=(8, 12)), "`image_shape` must be .*height, width, channels"),
        (
            dict(image_shape=(8, 13, 3)),
            "`image_shape` must be divisible by `patch_size`",
        ),
        (dict(patch_size=5), r"divisible by `patch_size`.*\(8, 12, 3\).*\(5, 5\)"),
        (dict(patch_size=0), "`patch_size` must be a positive integer"),
        (dict(patch_size=(8, 12)), "`patch_size` must cut"),
        (dict(mask_ratio=1.5), r"`mask_ratio` must be in \(0, 1\).*1.5"),
        (dict(mask_ratio=0.01), "`mask_ratio` must keep and drop.*drop none"),
        (dict(mask_ratio=0.99), "`mask_ratio` must keep and drop.*keep none"),
        (dict(mask_ratio="much"), "`mask_ratio` must be a number"),
        (dict(encoder_dim=18), "`encoder_dim` must be divisible by 4"),
        (dict(encoder_heads=3), "`encoder_dim` must be divisible by `encoder_heads`"),
        (dict(decoder_dim=10), "`decoder_dim` must be divisible by 4"),
        (dict(decoder_heads=3), "`decoder_dim` must be divisible by `decoder_heads`"),
        (dict(encoder_depth=0), "`encoder_depth` must be a positive integer"),
        (dict(decoder_depth=1.5), "`decoder_depth` must be an integer, at least 0"),
        (dict(mlp_ratio=0), "`mlp_ratio` must be a positive number"),
        (dict(mlp_ratio=0.01), "`mlp_ratio`.*0.01"),
        (dict(layer_norm_epsilon=-1), r"`layer_norm_epsilon` must be in \(0, 1\]"),
        (dict(value_range=(1, 0)), "`value_range` must be a pair"),
        (dict(mean=(1, 2)), "`mean` must be one finite number per channel"),
        (dict(std=0), "`std` must be one positive"),
        (dict(seed=-1), "`seed` must be an integer"),
        (
            dict(norm_pix_loss=True, image_shape=(4, 4, 1), patch_size=1),
            "norm_pix_loss",
        ),
    ],
)
def test_bad_arguments(arguments, pattern):
    with pytest.raises(ValueError, match=pattern):
        keras_mra.MAE(
            **{**TINY, "image_shape": SHAPE, "patch_size": PATCH, **arguments}
        )


def calls(mae, images, visible):
    """Each public method that takes images."""
    return [
        lambda: mae.encode(images),
        lambda: mae.attention(images),
        lambda: mae.reconstruct(images, visible),
        lambda: mae.predict_patches(images, visible),
        lambda: mae.reconstruction_loss(images, visible),
    ]


@pytest.mark.parametrize(
    "images, pattern",
    [
        (np.zeros(SHAPE, "uint8"), r"`images` must have rank 4.*\(8, 12, 3\)"),
        (np.zeros((1, 8, 12, 1), "uint8"), "`images` must have shape.*channels is 1"),
        (np.zeros((1, 8, 8, 3), "uint8"), "`images` must have shape.*width is 8"),
        (np.zeros((1, 8, 12, 3), bool), "`images` must hold integers or floats"),
        (np.full((1, 8, 12, 3), 256.0), "`images` must lie in .*`value_range`.*256"),
        (np.full((1, 8, 12, 3), -9), "`images` must lie in .*`value_range`.*-9"),
        (np.full((1, 8, 12, 3), np.nan), "`images` must be finite"),
        (np.full((1, 8, 12, 3), np.inf), "`images` must be finite"),
    ],
)
def test_bad_images(mae, images, pattern):
    visible = np.zeros((len(images), 1), "int32")
    for call in calls(mae, images, visible):
        with pytest.raises(ValueError, match=pattern):
            call()


def test_images_scaled_to_one_warn(mae, visible):
    images = np.random.default_rng(0).uniform(size=(3, *SHAPE)).astype("float32")
    for call in calls(mae, images, visible):
        with pytest.warns(
            UserWarning, match=r"multiply them by 255.*value_range=\(0, 1\)"
        ):
            call()


def test_images_in_range_do_not_warn(mae, images, visible):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        mae.reconstruct(images, visible)


@pytest.mark.parametrize(
    "visible, pattern",
    [
        ([[0, 8]], "`visible` must hold patch indices from 0 to 7.*to 8"),
        ([[-1, 3]], "`visible` must hold patch indices from 0 to 7.*-1"),
        ([[3, 3]], "`visible` must hold each patch at most once"),
        ([0, 1], r"`visible` must have shape \(batch, kept\)"),
        ([[0.0, 1.0]], "`visible` must hold integers"),
        (np.zeros((1, 0), "int32"), "`visible` must keep at least one patch"),
        ([[0, 1], [2, 3]], "`visible` must .*per image.*2"),
    ],
)
def test_bad_visible(mae, images, visible, pattern):
    for call in calls(mae, images[:1], visible)[2:]:
        with pytest.raises(ValueError, match=pattern):
            call()


def test_everything_visible_leaves_no_loss(mae, images):
    """Nothing dropped: reconstruction is the image, and no mean of errors exists."""
    everything = np.tile(np.arange(8, dtype="int32"), (3, 1))
    found = mae.reconstruct(images, everything)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), images)
    with pytest.raises(ValueError, match="`visible`.*drop"):
        mae.reconstruction_loss(images, everything)


@pytest.mark.parametrize("block", [2, -3, 0.5, None])
def test_bad_block(mae, images, block):
    with pytest.raises(ValueError, match="`block` must be an integer from -2 to 1"):
        mae.attention(images, block=block)


@pytest.mark.parametrize("resolution", [5, (4, 5), (4, 4, 4), 0, 10**30, (68, 12)])
def test_bad_resolution(mae, images, resolution):
    with pytest.raises(ValueError, match="`resolution` must be"):
        mae.attention(images, resolution=resolution)


def test_bad_images_in_fit():
    mae = make_mae()
    mae.compile("sgd")
    with pytest.raises(
        ValueError, match=re.escape("must have shape (batch, 8, 12, 3)")
    ):
        mae.fit(np.zeros((4, 8, 8, 3), "uint8"), verbose=0)
