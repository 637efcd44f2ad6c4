"""The transforms, against NumPy and closed forms."""

import sys

import numpy as np
import pytest

from keras_mra.evaluation import transforms

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once

NAMES = ["shift", "flip", "crop", "rotation", "photometric", "cutout", "border"]


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (80, 8, 12, 3), dtype="uint8")


def generator(seed=0):
    return np.random.default_rng(seed)


def bilinear(image, places):
    """The values of an image `(rows, columns, channels)` at places `(n, 2)`.

    Places outside the image have the value of the nearest edge.
    """
    last = np.array(image.shape[:2]) - 1
    places = np.clip(places, 0, last)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, last)
    up, left = np.moveaxis(places - below, -1, 0)[..., None]
    top = (1 - left) * image[below[:, 0], below[:, 1]]
    top += left * image[below[:, 0], above[:, 1]]
    bottom = (1 - left) * image[above[:, 0], below[:, 1]]
    bottom += left * image[above[:, 0], above[:, 1]]
    return (1 - up) * top + up * bottom


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_resampling_is_bilinear(images, rng, dtype):
    images = images.astype(dtype)
    matrices = np.eye(2) + 0.4 * rng.normal(size=(80, 2, 2))
    offsets = 2 * rng.normal(size=(80, 2))
    found = transforms.resample(images, matrices, offsets)
    assert found.dtype == dtype
    centre = np.array([3.5, 5.5])
    grid = np.moveaxis(np.indices((8, 12)), 0, -1).reshape(-1, 2) - centre
    for image, out, matrix, offset in zip(images, found, matrices, offsets):
        places = grid @ matrix.T + offset + centre
        expected = bilinear(image.astype("float64"), places).reshape(8, 12, 3)
        tolerance = 0.5 + 1e-6 if dtype == "uint8" else 1e-4
        np.testing.assert_allclose(out, expected, atol=tolerance)


def test_a_quarter_turn(images):
    square = images[:, :, :8]
    quarter = np.broadcast_to([[0.0, 1.0], [-1.0, 0.0]], (80, 2, 2))
    found = transforms.resample(square, quarter, np.zeros((80, 2)))
    np.testing.assert_array_equal(found, np.rot90(square, axes=(1, 2)))


def test_shift_moves_whole_pixels_and_continues_the_edges(images):
    found = transforms.shift(images, generator(), share=1 / 4)
    padded = np.pad(images, [(0, 0), (2, 2), (3, 3), (0, 0)], mode="edge")
    moves = set()
    for padded_image, out in zip(padded, found):
        matches = [
            (row - 2, column - 3)
            for row in range(5)
            for column in range(7)
            if (padded_image[row : row + 8, column : column + 12] == out).all()
        ]
        assert len(matches) == 1
        moves.update(matches)
    assert len(moves) > 20


def test_crop_shows_a_part_of_the_asked_area():
    # Two ramps: an image says where each of its pixels comes from.
    rows, columns = np.meshgrid(np.arange(40.0), np.arange(60.0), indexing="ij")
    ramps = np.broadcast_to(np.stack([rows, columns], -1), (200, 40, 60, 2))
    found = transforms.crop(ramps, generator(), area=(0.5, 0.8))
    height = found[:, 25, 30, 0] - found[:, 15, 30, 0]
    width = found[:, 20, 40, 1] - found[:, 20, 20, 1]
    np.testing.assert_allclose(height / 10, width / 20, atol=1e-9)
    assert 0.5 <= (height / 10).min() ** 2 < 0.52 < 0.78 < (height / 10).max() ** 2
    assert (height / 10).max() ** 2 <= 0.8
    # Nothing from beyond the border, where the ramp would be flat.
    assert (np.diff(found[..., 0], axis=1) > 0.2).all()


def test_rotation_turns_about_the_centre():
    rows, columns = np.meshgrid(np.arange(41) - 20.0, np.arange(41) - 20.0)
    ramps = np.broadcast_to(np.stack([rows, columns], -1), (200, 41, 41, 2))
    found = transforms.rotate(ramps, generator(), degrees=15)
    np.testing.assert_allclose(found[:, 20, 20], 0, atol=1e-9)
    step = found[:, 20, 30] - found[:, 20, 20]
    np.testing.assert_allclose(np.linalg.norm(step, axis=1), 10, atol=1e-9)
    angle = np.degrees(np.arctan2(step[:, 1], step[:, 0]))
    assert -15 <= angle.min() < -14 and 14 < angle.max() <= 15


def test_photometric_scales_and_offsets_each_image(images):
    images = 0.4 + 0.2 * (images / 255)  # clipped nowhere
    found = transforms.photometric(images, generator(), (0, 1), 0.3, 0.2)
    pixels, changed = (x.reshape(80, -1) for x in (images, found))
    factor = changed.std(axis=1) / pixels.std(axis=1)
    offset = changed.mean(axis=1) - pixels.mean(axis=1)
    assert 0.7 <= factor.min() < 0.75 < 1.25 < factor.max() <= 1.3
    assert -0.2 <= offset.min() < -0.18 < 0.18 < offset.max() <= 0.2
    mean = pixels.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(
        changed, (pixels - mean) * factor[:, None] + mean + offset[:, None], atol=1e-9
    )


def test_cutout_fills_one_square(images):
    images = images.clip(1)
    found = transforms.cutout(images, generator(), value=0)
    covered = (found == 0).all(axis=-1)
    np.testing.assert_array_equal(found[~covered], images[~covered])
    corners = set()
    for mask in covered:
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        assert mask.sum() == 16 and rows.sum() == columns.sum() == 4
        corners.add((rows.argmax(), columns.argmax()))
    assert {row for row, _ in corners} == set(range(5))
    assert {column for _, column in corners} == set(range(9))


def test_border_and_flip(images):
    found = transforms.border(images, generator(), value=7)
    np.testing.assert_array_equal(found[:, 2:6, 2:10], images[:, 2:6, 2:10])
    assert (found[:, [0, 1, 6, 7]] == 7).all() and (found[:, :, [0, 1]] == 7).all()
    np.testing.assert_array_equal(transforms.flip(images, None), images[:, :, ::-1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value_range", [(0, 255), (-1.0, 1.0)])
def test_transforms_keep_shape_dtype_range_and_the_original(images, name, value_range):
    if value_range == (-1.0, 1.0):
        images = (images / 127.5 - 1).astype("float32")
    before = images.copy()
    transform = transforms.default_transforms(value_range)[name]
    found = transform(images, generator())
    assert (found.shape, found.dtype) == (images.shape, images.dtype)
    assert found.min() >= value_range[0] and found.max() <= value_range[1]
    assert (found != images).any()
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(found, transform(images, generator()))
    again = transform(images, generator(1))
    assert (found != again).any() or name in ("flip", "border")


def test_scipy_is_asked_for(images, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"SciPy: pip install 'keras-mra\[evalua"):
        transforms.rotate(images, generator())
    assert (transforms.border(images, None, value=7)[:, 0] == 7).all()
