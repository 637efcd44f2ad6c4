"""Images in every form that pretraining takes are the same training data."""

import keras
import numpy as np
import pytest
from helpers.small_pretraining import LABELS
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import STREAMS
from helpers.small_pretraining import Steps
from helpers.small_pretraining import pretrain
from helpers.small_pretraining import tf_data
from keras import ops

import keras_mra
from keras_mra import backend
from keras_mra import datasets
from keras_mra.models import presets
from keras_mra.pretrain import default_recipe
from keras_mra.pretrain import recipe_request
from keras_mra.pretrain.data_request import DataRequest
from keras_mra.pretrain.training_data import training_data
from keras_mra.pretrain.viewed_mae import ViewedMAE

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.parametrize("stream", STREAMS)
def test_streams_with_labels(images, stream):
    steps = Steps()
    mae = pretrain(stream(images, LABELS), epochs=2, callbacks=[steps])
    assert isinstance(mae, keras_mra.MAE)
    assert mae.image_shape == (8, 8, 1) and mae.grid == (4, 4)
    losses = mae.history.history["loss"]
    assert len(losses) == 2 and np.isfinite(losses).all()
    assert steps.count == 6


@pytest.mark.parametrize("stream", STREAMS)
def test_streams_without_labels_are_the_same_data(images, stream):
    data, labelled = (
        training_data(DataRequest(stream(*arrays)))
        for arrays in [(images,), (images, LABELS)]
    )
    for found in (data, labelled):
        assert found.image_shape == (8, 8, 1)
        assert (found.batch_size, found.steps_per_epoch) == (4, 3)
        np.testing.assert_array_equal(found.first_images, images[:4])


def test_arrays(images):
    steps = Steps()
    mae = pretrain((images, LABELS), batch_size=5, epochs=2, callbacks=[steps])
    assert steps.count == 4  # the rest of two is dropped in each epoch
    assert len(mae.history.history["loss"]) == 2


@pytest.mark.parametrize("make", [lambda x: x, lambda x: (x,), lambda x: [x, LABELS]])
def test_arrays_with_and_without_labels_are_the_same_data(images, make):
    found = training_data(DataRequest(make(images), batch_size=5))
    expected = training_data(DataRequest((images, LABELS), batch_size=5))
    np.testing.assert_array_equal(found.first_images, expected.first_images)
    assert found.image_shape == (8, 8, 1)
    assert (found.batch_size, found.steps_per_epoch) == (5, 2)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
def test_tensors_and_dtypes_are_the_same_data(images, dtype):
    tensor = ops.convert_to_tensor(images.astype(dtype))
    found = training_data(DataRequest(tensor, batch_size=12))
    assert found.first_images.dtype == dtype
    np.testing.assert_array_equal(
        np.sort(found.first_images, axis=0), np.sort(images.astype(dtype), axis=0)
    )


def test_fewer_images_than_a_default_batch(images):
    found = training_data(DataRequest(images))
    assert (found.batch_size, found.steps_per_epoch) == (12, 1)


def bare_torch_loader(images):
    """A `DataLoader` whose batches are tensors; a `TensorDataset`'s are lists."""
    torch = pytest.importorskip("torch")
    return torch.utils.data.DataLoader(torch.from_numpy(images), batch_size=4)


@pytest.mark.parametrize("stream", [tf_data, bare_torch_loader])
def test_streams_without_labels(images, stream):
    steps = Steps()
    pretrain(stream(images), callbacks=[steps])
    assert steps.count == 3


def test_data_names():
    pytest.importorskip("sklearn")
    steps = Steps()
    mae = pretrain("digits", batch_size=512, callbacks=[steps])
    assert mae.image_shape == (8, 8, 1)
    assert steps.count == 2


def test_few_steps_do_without_tensorflows_xla(images, monkeypatch):
    fastest, asked = backend.fastest_jit_compile, []
    assert [fastest(steps) for steps in (None, 200, 199)] == {
        "tensorflow": [True, True, False],
        "jax": [True] * 3,
        "torch": [False] * 3,
    }[keras.backend.backend()]
    monkeypatch.setattr(
        backend,
        "fastest_jit_compile",
        lambda steps: asked.append(steps) or fastest(steps),
    )
    pretrain(images, epochs=2, batch_size=len(images) // 3)
    assert asked == [6]


@pytest.mark.xla
def test_data_alone_is_enough(images, monkeypatch):
    """`pretrain_mae(ds)`, with a small architecture in place of the default one."""
    tiny = {**presets.architecture("mae_mini"), **SMALL}
    monkeypatch.setitem(presets.ARCHITECTURES, "mae_mini", {"config": tiny})
    for module in (default_recipe, recipe_request):
        monkeypatch.setattr(module, "STEPS", {"good": 20})
    before = images.copy()
    mae = keras_mra.pretrain_mae(images)
    assert (mae.image_shape, mae.patch_size) == ((8, 8, 1), (1, 1))
    losses = mae.history.history["loss"]
    assert len(losses) == 20 == len(mae.history.epoch)
    assert np.isfinite(losses).all()
    np.testing.assert_array_equal(images, before)
    # The result reconstructs images.
    visible = np.arange(16, dtype="int32")[None]
    assert tuple(mae.reconstruct(images[:1], visible).shape) == (1, 8, 8, 1)


def test_a_data_set_keeps_its_own_batch_size(images):
    for ds in (datasets.ArrayDataset(images, batch_size=3), images):
        data = training_data(DataRequest(ds))
        assert data.batch_size == (12 if ds is images else 3)


def test_crops_reach_the_compiled_step_as_bytes(images, tmp_path, monkeypatch):
    """A fourth of what float32 would take on the way to the device, where views are."""
    from PIL import Image

    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{number}.png")
    dtypes = set()
    call = ViewedMAE.call

    def watched(self, images, **kwargs):
        dtypes.add(keras.backend.standardize_dtype(images.dtype))
        return call(self, images, **kwargs)

    monkeypatch.setattr(ViewedMAE, "call", watched)
    pretrain(f"folder:{tmp_path}", image_shape=(8, 8, 1), batch_size=4)
    assert dtypes == {"uint8"}
