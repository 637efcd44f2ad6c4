"""Every public layer through one harness."""

import keras
import numpy as np
import pytest
from helpers.check_layer import check_layer
from helpers.models import TINY

import keras_mra
from keras_mra import layers
from keras_mra import views

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 8, 12, 3)).astype("uint8")
FLOATS = IMAGES.astype("float32")
TOKENS = RNG.normal(size=(2, 5, 8)).astype("float32")
UINT8 = dict.fromkeys(("float32", "mixed_float16", "mixed_bfloat16"), "uint8")
FLOAT32 = dict.fromkeys(UINT8, "float32")
VISIBLE = np.array([[3, 0], [1, 2]], "int32")


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE((8, 12, 3), (4, 6), **TINY)


def test_patch_embedding():
    check_layer(
        lambda **kwargs: layers.PatchEmbedding(8, (2, 2), seed=0, **kwargs),
        (RNG.normal(size=(2, 2, 6)).astype("float32"), VISIBLE),
        (2, 2, 8),
        trainable_weights=2,
    )


def test_class_token():
    check_layer(
        lambda **kwargs: layers.ClassToken(seed=0, **kwargs),
        (TOKENS,),
        (2, 6, 8),
        trainable_weights=1,
    )


@pytest.mark.parametrize("positions, weights", [("sincos", 1), ("learned", 2)])
def test_restore_tokens(positions, weights):
    check_layer(
        lambda **kwargs: layers.RestoreTokens((2, 2), 0, positions, **kwargs),
        (TOKENS[:, :3], VISIBLE),
        (2, 5, 8),
        trainable_weights=weights,
    )


def test_transformer_block():
    check_layer(
        lambda **kwargs: layers.TransformerBlock(2, 2.0, seed=0, **kwargs),
        (TOKENS,),
        TOKENS.shape,
        trainable_weights=16,
    )


def test_random_apply():
    check_layer(
        lambda **kwargs: layers.RandomApply(
            keras.layers.RandomFlip(seed=1, data_format="channels_last"),
            0.5,
            seed=0,
            **kwargs,
        ),
        (FLOATS,),
        FLOATS.shape,
        FLOAT32,
        tf_data=True,
        is_random=True,
    )


def test_random_blur():
    check_layer(
        lambda **kwargs: layers.RandomBlur((0.5, 1.0), seed=0, **kwargs),
        (IMAGES,),
        IMAGES.shape,
        UINT8,
        tf_data=True,
        is_random=True,
    )


def test_random_resized_crop():
    check_layer(
        lambda **kwargs: layers.RandomResizedCrop((0.2, 1.0), seed=0, **kwargs),
        (IMAGES,),
        IMAGES.shape,
        UINT8,
        tf_data=True,
        is_random=True,
    )


@pytest.mark.parametrize(
    "layer", [layers.AugMix, layers.RandAugment, layers.TrivialAugment]
)
def test_random_operations(layer):
    check_layer(
        lambda **kwargs: layer(seed=0, **kwargs),
        (IMAGES,),
        IMAGES.shape,
        UINT8,
        tf_data=True,
        is_random=True,
    )


@pytest.mark.parametrize("layer", [layers.MaskReconstruct, layers.AttentiveCutout])
def test_layers_that_mask(mae, layer):
    check_layer(
        lambda **kwargs: layer(mae, 0.5, temperature=0.5, rate=0.5, seed=0, **kwargs),
        (IMAGES,),
        IMAGES.shape,
        UINT8,
        tf_data=True,
        is_random=True,
    )


@pytest.mark.parametrize("layer", [layers.MaskReconstruct, layers.AttentiveCutout])
def test_layers_that_mask_without_chance(mae, layer):
    check_layer(
        lambda **kwargs: layer(mae, 0.5, **kwargs),
        (FLOATS,),
        FLOATS.shape,
        FLOAT32,
        tf_data=True,
    )


@pytest.mark.parametrize("view", [views.weak, views.strong])
def test_views(view):
    check_layer(
        # A view takes no policy: what it does to pixels never depends on one.
        lambda **_: view((8, 12, 3), seed=0),
        (IMAGES,),
        IMAGES.shape,
        FLOAT32,
        tf_data=True,
        is_random=True,
    )
