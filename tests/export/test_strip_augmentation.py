"""Stripped models are exported as they are: nobody has to call them first."""

import keras
import numpy as np
import pytest
from helpers.packages import skip_without
from helpers.small_augmentor import classifier
from helpers.small_augmentor import make_mae
from keras import ops

import keras_mra
from keras_mra.export import onnx_file


def functional(augmentation, as_dict):
    inputs = keras.Input((12, 12, 1), dtype="uint8", name="photos")
    x = keras.layers.Flatten()(augmentation(inputs))
    outputs = keras.layers.Dense(3)(x)
    return keras.Model({"photos": inputs} if as_dict else inputs, outputs)


def nested(augmentation):
    inputs = keras.Input((12, 12, 1), dtype="uint8", name="photos")
    return keras.Model(inputs, classifier(augmentation)(inputs))


MODELS = {
    "sequential": classifier,
    "functional": lambda augmentation: functional(augmentation, as_dict=False),
    "functional of a dict": lambda augmentation: functional(augmentation, as_dict=True),
    "nested": nested,
}


@pytest.mark.skipif(
    keras.backend.backend() not in onnx_file.BACKENDS, reason="Keras writes no ONNX."
)
@pytest.mark.parametrize("kind", MODELS)
def test_onnx_without_a_call(kind, tmp_path):
    skip_without(onnx_file.PACKAGES[keras.backend.backend()])
    import onnxruntime

    model = MODELS[kind](keras_mra.layers.MaskReconstruct(make_mae(), 0.5))
    path = str(tmp_path / "model.onnx")
    stripped = keras_mra.strip_augmentation(model)
    stripped.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    (entry,) = session.get_inputs()
    images = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 1)).astype("uint8")
    (found,) = session.run(None, {entry.name: images})
    given = {"photos": images} if kind == "functional of a dict" else images
    wanted = keras.ops.convert_to_numpy(model(given, training=False))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)


def test_the_input_keeps_its_name():
    inputs = keras.Input((12, 12, 1), name="photos")
    layers = [keras_mra.layers.MaskReconstruct(make_mae()), keras.layers.Flatten()]
    stripped = keras_mra.strip_augmentation(keras.Sequential([inputs, *layers]))
    assert [x.name for x in stripped.inputs] == ["photos"]


def test_a_model_without_a_shape_is_stripped():
    layer = keras_mra.layers.MaskReconstruct(make_mae())
    stripped = keras_mra.strip_augmentation(keras.Sequential([layer]))
    assert not stripped.layers


def test_random_operations_are_stripped():
    stripped = keras_mra.strip_augmentation(classifier(keras_mra.layers.AugMix()))
    kinds = [type(layer).__name__ for layer in stripped.layers]
    assert "AugMix" not in kinds and "Dense" in kinds


def test_a_layer_that_mixes_labels_is_not_stripped():
    images = keras.Input((12, 12, 1))
    labels = keras.Input((3,))
    mix = keras_mra.layers.AttentiveCutMix(make_mae(), name="mix")
    mixed = mix({"images": images, "labels": labels})
    model = keras.Model([images, labels], [mixed["images"], mixed["labels"]])
    with pytest.raises(ValueError, match="'mix', which returns images and labels"):
        keras_mra.strip_augmentation(model)


@pytest.fixture
def mixed_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_a_stripped_model_passes_on_exact_pixels(kind, mixed_policy, tmp_path):
    layer = keras_mra.layers.MaskReconstruct(make_mae(), 0.5)
    exact = keras.layers.Rescaling(1.0, dtype="float32")
    if kind == "sequential":
        model = keras.Sequential([keras.Input((12, 12, 1)), layer, exact])
    else:
        inputs = keras.Input((12, 12, 1))
        model = keras.Model(inputs, exact(layer(inputs)))
    stripped = keras_mra.strip_augmentation(model)
    stripped.save(tmp_path / "model.keras")
    images = np.full((2, 12, 12, 1), 200.6, "float32")
    for found in (stripped, keras.saving.load_model(tmp_path / "model.keras")):
        np.testing.assert_array_equal(ops.convert_to_numpy(found(images)), images)


def test_operations_between_layers_are_kept():
    inputs = keras.Input((12, 12, 1))
    augmented = keras_mra.layers.RandAugment(seed=0)(inputs)
    outputs = keras.layers.Flatten()(ops.abs(augmented / 255.0 - inputs) + 1.0)
    stripped = keras_mra.strip_augmentation(keras.Model(inputs, outputs))
    images = np.full((2, 12, 12, 1), 51.0, "float32")
    found = ops.convert_to_numpy(stripped(images))
    np.testing.assert_allclose(found, np.full((2, 144), 51.8), rtol=1e-6)
    kinds = [type(layer).__name__ for layer in stripped.layers]
    assert "RandAugment" not in kinds


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_a_view_still_casts_integers(kind, tmp_path):
    view = keras_mra.views.weak((12, 12, 1), seed=0)
    dense = keras.layers.Conv2D(2, 3)
    inputs = keras.Input((12, 12, 1), dtype="uint8")
    if kind == "sequential":
        model = keras.Sequential([inputs, view, dense])
    else:
        model = keras.Model(inputs, dense(view(inputs)))
    keras_mra.strip_augmentation(model).save(tmp_path / "model.keras")
    stripped = keras.saving.load_model(tmp_path / "model.keras")
    images = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 1)).astype("uint8")
    wanted = ops.convert_to_numpy(model(images, training=False))
    found = ops.convert_to_numpy(stripped(images))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.graph
@pytest.mark.skipif(
    keras.backend.backend() == "torch",
    reason="Keras needs torch_xla for a SavedModel of PyTorch. It is not installed.",
)
def test_a_saved_model_with_a_gelu_runs(tmp_path):
    skip_without(["tensorflow"])
    import tensorflow as tf

    mae = make_mae()
    images = np.random.default_rng(0).uniform(0, 255, (2, 12, 12, 1)).astype("float32")
    signature = [keras.layers.InputSpec(shape=(None, 12, 12, 1), dtype="float32")]
    mae.export(str(tmp_path / "mae"), input_signature=signature, verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "mae"))
    found = loaded.serve(images)
    assert np.isfinite(found["predictions"]).all()
    patches = ops.convert_to_numpy(mae.patchify(images))
    np.testing.assert_allclose(np.asarray(found["targets"]), patches, atol=1e-5)
