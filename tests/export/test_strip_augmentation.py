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
