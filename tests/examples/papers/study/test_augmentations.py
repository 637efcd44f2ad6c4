"""The arms' augmentations: each changes what it should, and labels with images."""

import keras
import numpy as np
import pytest
from keras import ops
from study import augmentations
from study.on_classes import OnClasses

import keras_mra
from keras_mra import datasets
from keras_mra.classifiers.augmented_batches import AugmentedBatches


def test_the_names_of_arms():
    assert augmentations.parts("none") == []
    assert augmentations.parts("flip+crop+MRA") == ["flip+crop", "MRA"]
    assert augmentations.parts("MRA random+CutMix") == ["MRA random", "CutMix"]
    assert augmentations.parts("MRA low attention") == ["MRA low attention"]
    for bad in ("", "MRA+", "+MRA", "blur", "MRA+blur", "MRA+MRA"):
        with pytest.raises(ValueError, match="An arm must be"):
            augmentations.parts(bad)
    with pytest.raises(ValueError, match="`mae` must be given"):
        augmentations.augmentation("MRA", (8, 8, 1), (0, 255))


@pytest.mark.parametrize(
    "name, order",
    [
        ("TrivialAugment+MRA", ["TrivialAugment", "OnSome"]),
        ("MRA+TrivialAugment", ["OnSome", "TrivialAugment"]),
        ("CutMix+MRA", ["OnSome", "CutMix"]),
        ("MRA+flip+crop", ["RandomFlip", "RandomTranslation", "OnSome"]),
    ],
)
def test_a_chain_keeps_its_order_but_blends_last(name, order, mae):
    layers = augmentations.augmentation(name, (8, 8, 1), (0, 255), mae)
    assert [type(layer).__name__ for layer in layers] == order


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE(
        (8, 8, 1), 2, encoder_dim=8, encoder_depth=1, encoder_heads=2,
        decoder_dim=8, decoder_depth=1, decoder_heads=2, mask_ratio=0.5,
    )  # fmt: skip


def batches(name, mae=None, count=8, **strengths):
    """One augmented batch of random images, those images, and their labels."""
    rng = np.random.default_rng(0)
    images = rng.integers(1, 256, (count, 8, 8, 1)).astype("uint8")
    labels = np.arange(count, dtype="int32") % 3
    dataset = datasets.ArrayDataset(images, labels, batch_size=count, shuffle=False)
    tail = strengths.pop("tail", ())
    layers = augmentations.augmentation(
        name, (8, 8, 1), (0, 255), mae, strengths, tail=tail
    )
    return AugmentedBatches(dataset, layers, 3, (0, 255)), images, labels


@pytest.mark.parametrize("name", augmentations.STRENGTHS)
def test_each_augmentation_changes_images_and_draws_anew(name, mae):
    found, images, labels = batches(name, mae, tail=[0, 2], rate=1.0, temperature=1.0)
    first, hot = found[0]
    assert first.shape == images.shape and first.dtype == "float32"
    assert first.min() >= 0 and first.max() <= 255
    assert (first != images).any()
    # At a rate of 1, the same patches of all images are grey.
    assert (found[0][0] != first).any() == (name != "MRA central grey")
    np.testing.assert_allclose(hot.sum(axis=1), 1, atol=1e-6)
    if name in ("MixUp", "CutMix", "AttentiveCutMix"):
        assert ((hot > 0).sum(axis=1) > 1).any()
    else:
        np.testing.assert_array_equal(hot.argmax(axis=1), labels)
        np.testing.assert_array_equal(hot.max(axis=1), 1)


def test_none_leaves_the_images():
    found, images, labels = batches("none")
    np.testing.assert_array_equal(found[0][0], images)
    np.testing.assert_array_equal(found[0][1].argmax(axis=1), labels)


def test_the_tail_alone_is_augmented(mae):
    found, images, labels = batches("MRA tail", mae, tail=[2], rate=1.0)
    changed = (found[0][0] != images).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, labels == 2)


@pytest.mark.parametrize(
    "arm, temperature", [("MRA", 0.0), ("MRA", 1.0), ("MRA random", 0.0)]
)
def test_grey_patches_are_those_that_mra_repaints(mae, arm, temperature):
    settings = dict(rate=0.5, temperature=temperature, count=32)
    painted, images, _ = batches(arm, mae, **settings)
    grey, _, _ = batches(f"{arm} grey", mae, **settings)
    painted, grey = painted[0][0], grey[0][0]
    is_painted, is_grey = painted != images, grey != images
    # A painted pixel may have its old value by chance, and be grey in the other arm.
    assert (is_grey | ~is_painted).all() and (grey[is_grey] == 127.5).all()
    share = is_grey.reshape(32, -1).mean(axis=1)
    assert set(np.round(share * 16).astype(int)) == {0, 6}
    assert (share > 0).mean() == 0.5


@pytest.mark.parametrize("arm", ["MRA grey", "MRA", "MRA random"])
def test_another_attention_chooses_the_patches(mae, arm):
    keras.utils.set_random_seed(1)
    other = keras_mra.MAE((16, 16, 1), 4, 8, 1, 2, 8, 1, 2)
    attention_model = keras_mra.attention_of(other, mae)
    images = np.random.default_rng(0).integers(1, 100, (16, 8, 8, 1)).astype("float32")
    scores = ops.convert_to_numpy(attention_model(images))
    found = {"images": images, "labels": np.eye(16, dtype="float32")}
    settings = dict(rate=1.0, mask_ratio=0.5)
    (layer,) = augmentations.augmentation(
        arm, (8, 8, 1), (0, 255), mae, settings, attention_model=attention_model
    )
    found = layer(found, training=True)
    changed = ops.convert_to_numpy(found["images"]) != images
    changed = changed.reshape(16, 4, 2, 4, 2).any(axis=(2, 4)).reshape(16, 16)
    low = scores.argsort().argsort() < 8  # (B, N)
    assert changed.any() and (changed & ~low).any() == (arm == "MRA random")


def test_another_attention_chooses_what_is_pasted(mae):
    other = keras_mra.attention_of(keras_mra.MAE((16, 16, 1), 4, 8, 1, 2, 8, 1, 2), mae)
    images = np.random.default_rng(0).integers(1, 100, (16, 8, 8, 1)).astype("float32")
    found = []
    for attention_model in (None, None, other):
        (layer,) = augmentations.augmentation(
            "AttentiveCutMix", (8, 8, 1), (0, 255), mae, {"rate": 1.0},
            attention_model=attention_model,
        )  # fmt: skip
        inputs = {"images": images, "labels": np.eye(16, dtype="float32")}
        found.append(ops.convert_to_numpy(layer(inputs, training=True)["images"]))
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_central_grey_leaves_the_centre_of_the_images_of_mra_grey(mae):
    settings = dict(rate=0.5, count=32, mask_ratio=0.75)
    central, images, _ = batches("MRA central grey", mae, **settings)
    grey, _, _ = batches("MRA grey", mae, **settings)
    central, grey = central[0][0], grey[0][0]  # Each access draws anew.
    changed = [(x != images).any(axis=(1, 2, 3)) for x in (central, grey)]
    assert (changed[0] == changed[1]).all() and changed[0].mean() == 0.5
    rows, columns = (side // 4 for side in images.shape[1:3])
    middle = np.s_[:, rows:-rows, columns:-columns]  # 4 of 16 patches
    expected = np.full(images.shape, 127.5, "float32")
    expected[middle] = images[middle]
    np.testing.assert_array_equal(central[changed[0]], expected[changed[0]])


def test_strengths_change_what_they_are_for(mae):
    def changed(name, **strengths):
        found, images, _ = batches(name, mae, **strengths)
        return (found[0][0] != images).mean()

    assert changed("Cutout") == 0.25  # of every image
    assert changed("Cutout", cutout_area=0.06) < 0.15
    assert changed("MRA", mask_ratio=0.8, rate=1.0) > 0.7
    assert changed("MRA", rate=0.0) == 0
    # Another augmentation's strength changes nothing.
    assert changed("MRA", cutout_area=0.5) == changed("MRA")

    def blended(name, **strengths):
        found, _, _ = batches(name, mae, count=128, **strengths)
        return (found[0][1].max(axis=1) < 0.9).mean()

    assert blended("CutMix", cutmix_alpha=0.1) + 0.2 < blended("CutMix")
    assert blended("MixUp") + 0.2 < blended("MixUp", mixup_alpha=1.0)


def test_the_settings_that_decide_an_arm():
    assert augmentations.strengths_of("none") == set()
    assert augmentations.strengths_of("MRA grey+Cutout") == {
        "mask_ratio", "rate", "temperature", "cutout_area"
    }  # fmt: skip


def test_the_base_comes_first_and_is_the_same_for_every_arm(mae):
    def drawn(name, epoch=0):
        found, _, _ = batches(name, mae, rate=0.0)
        found.base = lambda images, rng: images // 2 + rng.integers(9)
        found.set_epoch(epoch)
        return found[0][0]

    np.testing.assert_array_equal(drawn("none"), drawn("MRA"))
    assert (drawn("none") != drawn("none", epoch=1)).any()


def test_on_classes_can_be_saved():
    layer = OnClasses(keras.layers.Rescaling(2.0), [1])
    copy = OnClasses.from_config(layer.get_config())
    inputs = {"images": np.ones((2, 2, 2, 1), "float32"), "labels": np.eye(2)}
    out = ops.convert_to_numpy(copy(inputs)["images"])
    np.testing.assert_array_equal(out[:, 0, 0, 0], [1, 2])
