"""`attention_of` beside the attention of `transformers`, with weights carried over."""

import keras
import keras_hub
import numpy as np
import pytest
from helpers.backbones import attention_maps
from helpers.backbones import make_pair
from helpers.backbones import small_dino
from helpers.models import TINY
from helpers.models import compute
from helpers.small_mae import make_mae
from keras import ops
from keras_hub.models import ViTBackbone

import keras_mra
from keras_mra.pixels import resize

IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
HALF = 0.5, 0.5
VIT = dict(
    image_shape=(8, 12, 3),
    patch_size=(4, 3),
    num_layers=2,
    num_heads=2,
    hidden_dim=8,
    mlp_dim=16,
)


def pixels(rng, size=(28, 28), channels=3):
    return rng.integers(0, 256, (2, *size, channels)).astype("uint8")


def normalized(images, mean, std):
    return ((images / 255 - mean) / std).astype("float32")


def patches_of(maps, count):
    """The class token's attention to the patches, `(batch, heads, count)`."""
    return maps[:, :, 0, -count:]


PAIRS = {
    "vit": dict(kind="vit", image_size=32, patch_size=16, layer_norm_eps=1e-3),
    "vit with a small patch": dict(kind="vit", patch_size=7),
    "deit": dict(kind="deit", image_size=32, patch_size=16),
    "dinov2": dict(kind="dinov2"),
    "dinov2 with swiglu": dict(kind="dinov2", use_swiglu_ffn=True, patch_size=7),
    "dinov2 of a larger size": dict(kind="dinov2", image_size=56, trained_size=98),
    "registers": dict(kind="registers", num_register_tokens=3),
    "registers, larger": dict(kind="registers", image_size=42, trained_size=98),
    "dinov3": dict(kind="dinov3", image_size=48, patch_size=16),
    "dinov3, gated": dict(
        kind="dinov3", num_register_tokens=0, use_gated_mlp=True, key_bias=True
    ),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_it_is_that_of_transformers(pair, rng):
    backbone, model = make_pair(**pair)
    images = pixels(rng, backbone.image_shape[:2])
    statistics = HALF if pair["kind"] == "vit" else IMAGENET
    maps = attention_maps(model, normalized(images, *statistics))
    for block, heads in ((0, None), (-2, [2, 0]), (-1, None), (2, 1)):
        attention = keras_mra.attention_of(backbone, block=block, heads=heads)
        found = compute(attention, images)
        assert found.dtype == "float32"
        want = patches_of(maps[block], found.shape[1])
        want = want[:, slice(None) if heads is None else np.ravel(heads)].mean(axis=1)
        np.testing.assert_allclose(found, want, atol=1e-6)
        assert want.std() > 0.01  # The softmax is not flat.


@pytest.mark.parametrize("kind", ["vit", "deit", "dinov2", "registers", "dinov3"])
def test_images_of_another_size(kind, rng):
    """A size between that of the positions and that of the images; not square."""
    backbone, model = make_pair(kind, image_size=42, patch_size=14)
    images = pixels(rng, (56, 28))
    statistics = HALF if kind == "vit" else IMAGENET
    interpolate = {"interpolate_pos_encoding": True} if kind in ("vit", "deit") else {}
    maps = attention_maps(model, normalized(images, *statistics), **interpolate)
    attention = keras_mra.attention_of(backbone, image_size=(56, 28))
    want = patches_of(maps[-1], 8).mean(axis=1)
    np.testing.assert_allclose(compute(attention, images), want, atol=1e-6)


def test_own_normalisation_and_range(rng):
    backbone, model = make_pair("vit")
    images = pixels(rng)
    mean, std = np.array([0.1, 0.2, 0.3]), 0.4
    maps = attention_maps(model, normalized(images, mean, std))
    want = patches_of(maps[-1], 4).mean(axis=1)
    for scaled, value_range in ((images / 255, (0, 1)), (images / 127.5 - 1, (-1, 1))):
        attention = keras_mra.attention_of(
            backbone, mean=mean, std=std, value_range=value_range
        )
        found = compute(attention, scaled.astype("float32"))
        np.testing.assert_allclose(found, want, atol=1e-5)


def test_other_images_are_resized_and_gray_ones_repeated(rng):
    backbone = small_dino()
    attention = keras_mra.attention_of(backbone)
    images = pixels(rng, (20, 33), 1)
    resized = ops.convert_to_numpy(resize(images, (28, 28)))  # (2, 28, 28, 1)
    want = compute(attention, np.repeat(resized, 3, axis=3))
    np.testing.assert_allclose(compute(attention, images), want, atol=1e-6)


def test_scores_are_resized_to_another_grid(rng):
    backbone = ViTBackbone(**{**VIT, "image_shape": (16, 12, 3)})  # 4x4 patches
    images = pixels(rng, (16, 12))
    own = compute(keras_mra.attention_of(backbone), images).reshape(2, 4, 4)
    found = compute(keras_mra.attention_of(backbone, (2, 8)), images)
    assert found.shape == (2, 16) and (found > 0).all()
    want = resize(own[..., None], (2, 8))
    np.testing.assert_allclose(
        found, ops.convert_to_numpy(want).reshape(2, 16), atol=1e-6
    )


def test_an_mae_gives_its_grid_and_range(rng):
    mae = make_mae(value_range=(-1, 1))  # 8x12 pixels, 2x4 patches
    backbone = ViTBackbone(**VIT)
    attention = keras_mra.attention_of(backbone, mae)
    assert attention.grid == mae.grid == (2, 4)
    images = pixels(rng, (8, 12)) / 127.5 - 1
    want = keras_mra.attention_of(backbone, 2, value_range=(-1, 1))
    assert want.grid == (2, 2)
    other = keras_mra.attention_of(backbone, (2, 4), value_range=(-1, 1))
    np.testing.assert_array_equal(compute(attention, images), compute(other, images))


def test_positions_that_were_trained_further_are_used(rng):
    """KerasHub trains resized positions, beside those that it saves."""
    images = pixels(rng, (42, 42))
    dino = small_dino(
        image_shape=(42, 42, 3), position_embedding_shape=(70, 70), num_layers=1
    )
    before = compute(keras_mra.attention_of(dino), images)
    positions = dino.embeddings.interpolated_position_embeddings
    positions.assign(positions + rng.normal(size=positions.shape))
    attention = keras_mra.attention_of(dino)
    found = compute(attention, images)
    assert np.abs(found - before).max() > 1e-3
    # By the backbone's own layers.
    block = dino.encoder.layers[0]
    tokens = dino.embeddings(normalized(images, *IMAGENET))
    x = block.norm1(tokens)
    _, scores = block.attention.attention(x, x, return_attention_scores=True)
    want = ops.convert_to_numpy(scores)[:, :, 0, 1:].mean(axis=1)
    np.testing.assert_allclose(found, want, atol=1e-6)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_dtypes_of_the_backbone(dtype, rng):
    backbone, _ = make_pair("dinov2")
    halved, _ = make_pair("dinov2", dtype=dtype)
    images = pixels(rng)
    found = compute(keras_mra.attention_of(halved), images)
    assert found.dtype == "float32"
    want = compute(keras_mra.attention_of(backbone), images)
    np.testing.assert_allclose(found, want, atol=0.05)


def test_channels_first(rng):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow has no such convolution on CPUs.")
    backbone = ViTBackbone(**VIT)
    turned = ViTBackbone(
        **{**VIT, "image_shape": (3, 8, 12)}, data_format="channels_first"
    )
    turned.set_weights(backbone.get_weights())
    images = pixels(rng, (8, 12))
    found = compute(keras_mra.attention_of(turned, copy=False), images)
    want = compute(keras_mra.attention_of(backbone), images)
    np.testing.assert_allclose(found, want, atol=1e-6)


# --- what it leaves alone ------------------------------------------------------------


def test_the_backbone_is_copied_or_frozen():
    backbone = ViTBackbone(**VIT)
    attention = keras_mra.attention_of(backbone)
    assert not attention.trainable_variables and backbone.trainable_variables
    attention.trainable = True
    assert not attention.trainable_variables
    shared = keras_mra.attention_of(backbone, copy=False)
    assert shared.backbone is backbone and not backbone.trainable_variables


def test_dropout_is_off_in_training(rng):
    backbone = ViTBackbone(**VIT, dropout_rate=0.9, attention_dropout=0.9)
    attention = keras_mra.attention_of(backbone)
    images = pixels(rng, (8, 12)).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(attention(images, training=True)),
        ops.convert_to_numpy(attention(images, training=False)),
        atol=1e-6,
    )


def test_a_class_derived_from_a_backbone(rng):
    class Derived(ViTBackbone):
        pass

    backbone = Derived(**VIT)
    assert keras_mra.attention_of(backbone).grid == (2, 4)


# --- bad input -----------------------------------------------------------------------


def resnet():
    return keras_hub.models.ResNetBackbone(
        [64], [7], [64], [1], [1], "basic_block", use_pre_activation=True
    )


def functional():
    pixels = keras.Input((8, 12, 3))
    return keras.Model(pixels, keras.layers.Flatten()(pixels))


@pytest.mark.parametrize(
    "make", [resnet, functional, lambda: ViTBackbone(**VIT, use_class_token=False)]
)
def test_no_class_token(make):
    with pytest.raises(ValueError, match="with a class token") as error:
        keras_mra.attention_of(make())
    assert "no class token is known" in str(error.value)
    assert "strategy='random'" in str(error.value) and "saliency" in str(error.value)


def test_no_backbone():
    for bad in (None, "dinov2_small", len, keras.layers.Dense(2)):
        with pytest.raises(ValueError, match="`backbone` must be.*Received: backbone="):
            keras_mra.attention_of(bad)
    task = keras_hub.models.ViTImageClassifier(
        ViTBackbone(**VIT), num_classes=2, preprocessor=None
    )
    with pytest.raises(ValueError, match="a task. Pass its `backbone`"):
        keras_mra.attention_of(task)


def test_a_backbone_that_keras_cannot_copy():
    backbone = ViTBackbone(**VIT)
    backbone.get_config = lambda: {"no": "such argument"}
    with pytest.raises(ValueError, match="copy from its configuration.*or `copy`"):
        keras_mra.attention_of(backbone)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(block=2), "`block` must be an integer from -2 to 1.*block=2"),
        (dict(block=-3), "`block` must be.*block=-3"),
        (dict(block=0.0), "`block` must be.*block=0.0"),
        (dict(heads=2), "`heads` must be distinct integers from 0 to 1.*heads=2"),
        (dict(heads=[]), r"`heads` must be.*heads=\[\]"),
        (dict(heads=[0, 0]), r"`heads` must be.*heads=\[0, 0\]"),
        (dict(heads="0"), "`heads` must be.*heads='0'"),
        (dict(heads=True), "`heads` must be.*heads=True"),
        (dict(image_size=10), r"`image_size` must be divisible by `patch_size`.*10"),
        (dict(image_size="8"), "`image_size` must be a positive integer or a pair"),
        (dict(grid=0), "`grid` must be a positive integer.*grid=0"),
        (dict(grid=(1, 2, 3)), r"`grid` must be.*grid=\(1, 2, 3\)"),
        (dict(mean=(0.5, 0.5)), r"`mean` must be one finite number per channel \(3\)"),
        (dict(std=0), "`std` must be one positive finite number.*std=0"),
        (dict(value_range=(1, 0)), r"`value_range` must be.*\(1, 0\)"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_mra.attention_of(ViTBackbone(**VIT), **arguments)


def test_bad_images_and_mae(rng):
    attention = keras_mra.attention_of(ViTBackbone(**VIT))
    for images in (pixels(rng, channels=2), pixels(rng)[0]):
        with pytest.raises(ValueError, match="`images` must have"):
            attention(images)
    mae = keras_mra.MAE((8, 12, 2), 4, **TINY)
    with pytest.raises(ValueError, match="`grid` must be an MAE of images with 3"):
        keras_mra.attention_of(ViTBackbone(**VIT), mae)
