"""Exported augmentors run without Keras and without this package."""

import importlib.util
import resource
import subprocess
import sys

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize
from helpers.packages import skip_without

import keras_mra
from keras_mra.export import onnx_file
from keras_mra.export.augmentor import FORMATS

BACKEND = keras.backend.backend()
WRITTEN = {
    "tensorflow": ("tf_saved_model", "onnx"),
    "jax": ("tf_saved_model",),
    "torch": ("onnx",),
}[BACKEND]
ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript", "tf2onnx")
SHAPE = (8, 12, 3)
TOLERANCE = 255 * 1e-4

# Runs an exported file with TensorFlow or onnxruntime alone, on files of images.
SCRIPT = """
import sys
# These fail to import, as if they were not installed.
sys.modules.update(dict.fromkeys(["keras", "keras_mra", "jax", "torch"]))
import numpy as np

format, path, *names = sys.argv[1:]
if format == "onnx":
    import onnxruntime
    session = onnxruntime.InferenceSession(path)
    def run(images):
        return session.run(None, {"images": images})[0]
else:
    import tensorflow as tf
    loaded = tf.saved_model.load(path)
    def run(images):
        served = loaded.serve(images).numpy()
        (default,) = loaded.signatures["serving_default"](
            images=tf.constant(images)
        ).values()
        assert np.array_equal(default.numpy(), served)
        return served
for name in names:
    np.save(name, run(np.load(name)))
"""


def with_packages(format):
    """Skips the test if the packages of a format are not installed."""
    skip_without(ONNX_PACKAGES if format == "onnx" else ("tensorflow",))


def make_layer(**kwargs):
    mae = keras_mra.MAE(image_shape=SHAPE, patch_size=4, **TINY)
    return keras_mra.layers.MaskReconstruct(randomize(mae), 0.5, **kwargs)


def some_images(batch, shape=SHAPE):
    rng = np.random.default_rng(batch)
    return rng.uniform(0, 255, (batch, *shape)).astype("float32")


def assert_same_views(found, layer, images):
    """Masks and visible pixels must be equal, painted pixels close."""
    wanted = keras.ops.convert_to_numpy(layer(images))
    visible = wanted == images
    assert visible.any() and not visible.all()
    np.testing.assert_array_equal(found == images, visible)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("format", WRITTEN)
def test_file_needs_nothing_of_ours(format, tmp_path):
    with_packages(format)
    layer = make_layer()
    path = tmp_path / "new" / "augmentor"
    keras_mra.export_augmentor(layer, path, format)
    assert list(path.parent.iterdir()) == [path]
    batches = {batch: tmp_path / f"{batch}.npy" for batch in (1, 5)}
    for batch, name in batches.items():
        np.save(name, some_images(batch))
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, format, path, *batches.values()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    for batch, name in batches.items():
        assert_same_views(np.load(name), layer, some_images(batch))


@pytest.mark.parametrize("format", WRITTEN)
def test_images_of_another_size(format, tmp_path):
    with_packages(format)
    layer = make_layer(resize=True, strategy="low_attention")
    path, shape = tmp_path / "augmentor", (13, 20, 3)
    keras_mra.export_augmentor(layer, str(path), format, image_shape=shape)
    images = some_images(2, shape)
    assert_same_views(FORMATS[format].run(path, images), layer, images)


@pytest.mark.skipif("tf_saved_model" not in WRITTEN, reason="Refused; see below.")
@pytest.mark.parametrize(
    "random",
    [
        dict(strategy="random"),
        dict(temperature=1.0, rate=0.5),
    ],
    ids=str,
)
def test_saved_model_goes_on_drawing(random, tmp_path):
    import tensorflow as tf

    layer = make_layer(seed=0, **random)
    keras_mra.export_augmentor(layer, tmp_path / "augmentor")
    loaded = tf.saved_model.load(str(tmp_path / "augmentor"))
    images = some_images(8)
    first, second = (loaded.serve(images).numpy() for _ in range(2))
    assert not np.array_equal(first == images, second == images)
    # Export did not advance the layer's random state, so both draw the same masks.
    assert_same_views(first, layer, images)
    assert_same_views(second, layer, images)


@pytest.mark.skipif("onnx" not in WRITTEN, reason="Refused; see below.")
@pytest.mark.parametrize(
    "random", [dict(strategy="random"), dict(temperature=0.5), dict(rate=0.5)], ids=str
)
def test_onnx_refuses_to_draw(random, tmp_path):
    (argument,) = random
    with pytest.raises(ValueError, match=f"no random state.* Received: {argument}="):
        keras_mra.export_augmentor(make_layer(**random), tmp_path / "a", "onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif("onnx" not in WRITTEN, reason="Refused; see below.")
def test_onnx_refuses_what_a_file_cannot_hold(monkeypatch, tmp_path):
    mae = keras_mra.MAE(SHAPE, patch_size=4, dtype="mixed_bfloat16", **TINY)
    layer = keras_mra.layers.MaskReconstruct(mae, 0.5)
    with pytest.raises(ValueError, match="float16 .* policy 'mixed_bfloat16'"):
        keras_mra.export_augmentor(layer, tmp_path / "a.onnx", "onnx")
    monkeypatch.setattr(onnx_file, "LARGEST", 1000)
    with pytest.raises(ValueError, match="at most 1,000 bytes of weights"):
        keras_mra.export_augmentor(make_layer(), tmp_path / "a.onnx", "onnx")


@pytest.mark.skipif(len(WRITTEN) == 2, reason="TensorFlow writes every format.")
def test_refuses_formats_of_other_backends(tmp_path):
    (format,) = set(FORMATS) - set(WRITTEN)
    expected = f"`format` must be '{WRITTEN[0]}' on the {BACKEND} backend.*{format}"
    with pytest.raises(ValueError, match=expected):
        keras_mra.export_augmentor(make_layer(), tmp_path / "a", format)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "more", [{"protect": "segmentation_masks"}, {"return_visible": True}], ids=str
)
def test_refuses_what_takes_or_gives_more_than_images(more, tmp_path):
    (argument,) = more
    with pytest.raises(ValueError, match=f"images into images.*{argument}="):
        keras_mra.export_augmentor(make_layer(**more), tmp_path / "a", WRITTEN[0])


@pytest.mark.parametrize(
    "wrong, message",
    [
        (dict(layer=keras.layers.RandomFlip()), "`layer` must be .*RandomFlip"),
        (dict(format="onyx"), "`format` must be one of .*'onyx'"),
        (dict(format=["onnx"]), "`format` must be one of"),
        (dict(image_shape=(8, 12)), "`image_shape` must be .*height"),
        (dict(image_shape=(8, 12, 1)), "`image_shape` must have 3 channels"),
        (dict(image_shape=(8, 16, 3)), "`image_shape` must be .*resize=True"),
    ],
    ids=str,
)
def test_bad_arguments(wrong, message, tmp_path):
    with_packages(WRITTEN[0])
    arguments = dict(layer=make_layer(), path=tmp_path / "a", format=WRITTEN[0])
    with pytest.raises(ValueError, match=message):
        keras_mra.export_augmentor(**arguments | wrong)
    assert not list(tmp_path.iterdir())


def test_existing_path_is_kept(tmp_path):
    with_packages(WRITTEN[0])
    path = tmp_path / "mine"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="`path` must not exist.*mine"):
        keras_mra.export_augmentor(make_layer(), path, WRITTEN[0])
    assert path.read_text() == "mine"


def test_missing_packages_are_named(monkeypatch, tmp_path):
    format = WRITTEN[-1]
    (missing, *_) = FORMATS[format].PACKAGES[BACKEND]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=rf"needs {missing}.*pip install 'keras-mra"):
        keras_mra.export_augmentor(make_layer(), tmp_path / "a", format)


@pytest.mark.parametrize("format", WRITTEN)
def test_no_space_leaves_nothing(format, tmp_path):
    with_packages(format)
    layer = make_layer()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A file that grows beyond this fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="`path` .*full' could not be written"):
            keras_mra.export_augmentor(layer, tmp_path / "full", format)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_what_does_not_run_is_not_kept(monkeypatch, tmp_path):
    with_packages(WRITTEN[0])

    def write(model, path, image_shape):
        path.write_bytes(b"no model")

    monkeypatch.setattr(FORMATS[WRITTEN[0]], "write", write)
    with pytest.raises(RuntimeError, match="does not run"):
        keras_mra.export_augmentor(make_layer(), tmp_path / "a", WRITTEN[0])
    assert not list(tmp_path.iterdir())
