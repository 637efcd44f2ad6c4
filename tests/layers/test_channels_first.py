"""Tensors whose channels come first, as PyTorch has them, are named as such."""

import numpy as np
import pytest
from helpers.small_augmentor import make_mae
from keras import ops

from keras_mra import layers


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("leading", [(), (2,)], ids=["image", "batch"])
@pytest.mark.parametrize("resize", [False, True])
def test_mask_reconstruct(channels, leading, resize):
    mae = make_mae((12, 16, channels))
    layer = layers.MaskReconstruct(mae, resize=resize)
    images = np.zeros((*leading, channels, 12, 16), "float32")
    for given in (images, ops.convert_to_tensor(images), {"images": images}):
        with pytest.raises(ValueError, match=r"Received: shape .*channels-first"):
            layer(given)


def test_small_images():
    layer = layers.MaskReconstruct(make_mae((4, 4, 1), 2))
    with pytest.raises(ValueError, match=r"\(2, 1, 4, 4\), which looks channels-first"):
        layer(np.zeros((2, 1, 4, 4), "uint8"))


def test_the_autoencoder():
    mae = make_mae((12, 16, 2))
    for call in (mae.attention, mae.encode, mae.patchify):
        with pytest.raises(ValueError, match=r"\(2, 2, 12, 16\).*channels-first"):
            call(np.zeros((2, 2, 12, 16), "uint8"))


def test_images_of_other_channels_are_not():
    layer = layers.MaskReconstruct(make_mae((12, 16, 3)))
    with pytest.raises(ValueError, match=r"3 channels.* shape \(12, 16, 1\)$"):
        layer(np.zeros((12, 16, 1), "uint8"))
