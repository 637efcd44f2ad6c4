"""`attention_of` inside of layers, models, files, pipelines and trainings."""

import sys

import keras
import numpy as np
import pytest
from helpers.backbones import make_pair
from helpers.backbones import small_dino
from helpers.models import QUICK
from helpers.models import compute
from helpers.small_augmentor import classifier
from helpers.small_augmentor import make_mae
from helpers.small_pretraining import SMALL
from keras import ops

import keras_mra
from keras_mra.layers import MaskReconstruct

SHAPE = (28, 28, 3)


@pytest.fixture(scope="module")
def mae():
    return make_mae(SHAPE, 7)  # 4x4 patches


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, *SHAPE)).astype("uint8")


def to_numpy(x):
    return ops.convert_to_numpy(x)


def kept_patches(images, out):
    """Which of 4x4 patches `(batch, 16)` came out as they went in."""
    same = np.asarray(out) == images
    return same.reshape(-1, 4, 7, 4, 7, 3).all(axis=(2, 4, 5)).reshape(-1, 16)


def most_attended(scores):
    expected = np.zeros(scores.shape, bool)
    best = np.argsort(scores, axis=1)[:, -8:]
    np.put_along_axis(expected, best, True, axis=1)
    return expected


@pytest.mark.parametrize("kind", ["vit", "dinov2", "registers", "dinov3"])
def test_its_scores_choose_the_patches(kind, mae, images):
    backbone, _ = make_pair(kind, patch_size=4)  # 7x7 patches
    attention = keras_mra.attention_of(backbone, mae)
    layer = MaskReconstruct(mae, 0.5, attention_model=attention)
    expected = most_attended(compute(attention, images))
    out = compute(layer, images)
    np.testing.assert_array_equal(kept_patches(images, out), expected)


@pytest.mark.parametrize("kind", ["vit", "deit", "dinov2", "registers", "dinov3"])
def test_one_file_after_a_fit(kind, mae, images, tmp_path):
    # Positions of another size than the images', which KerasHub interpolates.
    trained = {"trained_size": 42} if kind in ("dinov2", "registers") else {}
    backbone, _ = make_pair(kind, **trained)
    if trained:  # KerasHub does not save these.
        positions = backbone.embeddings.interpolated_position_embeddings
        positions.assign(positions + np.random.normal(size=positions.shape))
    attention = keras_mra.attention_of(backbone, mae, block=1, heads=[0, 2])
    before = compute(attention, images)
    model = classifier(MaskReconstruct(mae, 0.5, attention_model=attention), SHAPE)
    model.compile("sgd", "sparse_categorical_crossentropy", **QUICK)
    assert len(model.trainable_variables) == 2
    model.fit(images, np.arange(6) % 3, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    cloned = keras.models.clone_model(model)
    cloned.set_weights(model.get_weights())
    for m in (model, loaded, cloned):
        m.trainable = True
        assert len(m.trainable_variables) == 2
        found = m.layers[0].attention_model
        assert found.backbone is not attention.backbone
        np.testing.assert_allclose(compute(found, images), before, atol=1e-6)


def test_the_model_alone_in_a_file(images, tmp_path):
    attention = keras_mra.attention_of(small_dino(), 3, mean=0, std=(1, 2, 3))
    attention.save(tmp_path / "attention.keras")
    loaded = keras.models.load_model(tmp_path / "attention.keras")
    for name in ("grid", "block", "heads", "image_size", "mean", "std", "value_range"):
        assert getattr(loaded, name) == getattr(attention, name)
    np.testing.assert_allclose(
        compute(loaded, images), compute(attention, images), atol=1e-6
    )


def test_in_tf_data(mae, images):
    tf = pytest.importorskip("tensorflow")
    backbone, _ = make_pair("registers")
    attention = keras_mra.attention_of(backbone, mae)
    layer = MaskReconstruct(mae, 0.5, attention_model=attention, resize=True)
    want = compute(layer, images).astype(int)
    data = tf.data.Dataset.from_tensor_slices(images)
    for mapped in (data.batch(6).map(layer), data.map(layer).batch(6)):
        found = next(iter(mapped)).numpy().astype(int)
        np.testing.assert_allclose(found, want, atol=1)


def test_mixed_precision_around_it(mae, images):
    backbone, _ = make_pair("dinov2")
    want = compute(keras_mra.attention_of(backbone, mae), images)
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        attention = keras_mra.attention_of(backbone, mae)
        layer = MaskReconstruct(mae, 0.5, attention_model=attention)
        found = compute(layer.attention_model, images)
        out = compute(layer, images)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    # The backbone was made in float32, and stays there.
    np.testing.assert_allclose(found, want, atol=1e-6)
    np.testing.assert_array_equal(kept_patches(images, out), most_attended(want))


def test_it_teaches(images):
    teacher = keras_mra.attention_of(small_dino(), 4, value_range=(0, 255))
    arguments = dict(
        preset="mae_nano", image_shape=SHAPE, patch_size=7, epochs=1, batch_size=6,
        verbose=0, **SMALL,
    )  # fmt: skip
    mae = keras_mra.pretrain_mae(images, attention_teacher=teacher, **arguments)
    assert np.isfinite(mae.history.history["attention_loss"]).all()
    with pytest.raises(ValueError, match=r"scores of shape \(1, 16\)"):
        other = keras_mra.attention_of(small_dino(), 3)
        keras_mra.pretrain_mae(images, attention_teacher=other, **arguments)


def test_evaluation_takes_it(images):
    attention = keras_mra.attention_of(small_dino())
    masks = np.zeros((6, 28, 28), "uint8")
    masks[:, :14] = 1
    result = keras_mra.evaluation.foreground(attention, images, masks)
    assert 0 <= result.auroc <= 1


def test_a_file_without_keras_hub(tmp_path, monkeypatch):
    keras_mra.attention_of(small_dino()).save(tmp_path / "attention.keras")
    monkeypatch.setitem(sys.modules, "keras_hub", None)  # as if it were not installed
    with pytest.raises(ImportError, match="pip install 'keras-mra.kerashub.'"):
        keras.models.load_model(tmp_path / "attention.keras")
