"""Named data without a test split, of which some images are not trained on."""

import numpy as np
import pytest
from helpers.small_pretraining import make_images
from PIL import Image

from keras_mra import datasets
from keras_mra.datasets.held_out import evenly_spaced
from keras_mra.pretrain.data_request import DataRequest
from keras_mra.pretrain.training_data import training_data

pytestmark = pytest.mark.once


def write(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for index, pixels in enumerate(images):
        Image.fromarray(pixels[..., 0]).save(folder / f"{index:02}.png")


@pytest.fixture
def photos():
    return np.repeat(make_images(), 2, axis=0)[:20] // 2 + np.arange(
        20, dtype="uint8"
    ).reshape(-1, 1, 1, 1)


def seen(data):
    """Every image of an epoch, as a set of bytes."""
    batches = (data.batches[index] for index in range(len(data.batches)))
    return {image.tobytes() for batch in batches for image in batch}


@pytest.mark.parametrize("crops_per_image", [1, 3])
def test_held_out_images_are_not_trained_on(tmp_path, photos, crops_per_image):
    write(tmp_path, photos)
    request = DataRequest(
        f"folder:{tmp_path}", batch_size=1, crop="center",
        crops_per_image=crops_per_image, held_out=64,
    )  # fmt: skip
    data = training_data(request)
    assert data.held_out == 2 and len(data.batches) == 18 * crops_per_image
    measured, _ = datasets.images_and_masks(tmp_path, (8, 8, 1), 2)
    np.testing.assert_array_equal(measured, photos[evenly_spaced(20, 2)])
    kept = np.delete(photos, evenly_spaced(20, 2), axis=0)
    assert seen(data) == {image.tobytes() for image in kept}


@pytest.mark.filterwarnings("ignore:.*could not be read")
def test_a_damaged_image_is_not_replaced_by_one_that_is_held_out(tmp_path, photos):
    write(tmp_path, photos)
    files = sorted(tmp_path.iterdir())
    for damaged in (9, 19):  # The next files, 10 and 0, are held out.
        files[damaged].write_bytes(b"no image")
    request = DataRequest(
        f"folder:{tmp_path}", batch_size=1, crop="center", held_out=64
    )
    kept = np.delete(photos, [0, 10, 9, 19], axis=0)
    assert seen(training_data(request)) == {image.tobytes() for image in kept}


def test_a_test_split_is_held_out_already(tmp_path, photos):
    write(tmp_path / "train", photos)
    write(tmp_path / "test", photos)
    data = training_data(DataRequest(f"folder:{tmp_path}", held_out=64))
    assert data.held_out == 0 and data.batches.num_samples == 20


def test_random_crops_of_the_others_stay_random(tmp_path, photos):
    write(tmp_path, photos)
    data = training_data(DataRequest(f"folder:{tmp_path}", held_out=64))
    assert data.cropped and data.image_shape == (8, 8, 1)
