"""Random crops with OpenCV: as Pillow reads and smooths, and named where it matters."""

import sys

import numpy as np
import pytest
from helpers.reading import RNG
from helpers.reading import save
from PIL import Image

from keras_mra import datasets
from keras_mra.datasets import crops
from keras_mra.datasets import fast_crops
from keras_mra.datasets import image_reader
from keras_mra.datasets.tfds_dataset import TfdsDataset

pytestmark = pytest.mark.once


def photograph(path, size=(500, 375), **kwargs):
    """A JPEG file with as much detail at every scale as photographs have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    pixels = np.full((size[1], size[0], 3), 128.0)
    for octave in range(6):
        small = [max(1, length >> octave) for length in size]
        detail = rng.integers(0, 256, (small[1], small[0], 3), dtype="uint8")
        pixels += 0.2 * (np.asarray(Image.fromarray(detail).resize(size)) - 128.0)
    pixels = np.clip(pixels, 0, 255).astype("uint8")
    Image.fromarray(pixels).save(path, "JPEG", quality=90, **kwargs)
    return path


# --- decoding -------------------------------------------------------------------------


@pytest.mark.parametrize("min_side", [1, 40, 60, 100, 200, 10_000])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_pixels_are_those_of_pillow(tmp_path, min_side, progressive):
    path = photograph(tmp_path / "a.jpg", (501, 373), progressive=progressive)
    found = fast_crops.read_upright(path, min_side)
    assert isinstance(found, np.ndarray) and found.dtype == np.uint8
    expected = np.asarray(image_reader.read_upright(path, min_side))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = photograph(tmp_path / "a.jpg", (90, 60), exif=exif)
    found = fast_crops.read_upright(path, 1)
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, image_reader.read_upright(path, 1))


@pytest.mark.parametrize(
    "name, mode",
    [("a.jpg", "L"), ("a.jpg", "CMYK"), ("a.png", "RGB"), ("a.webp", "RGBA")],
)
def test_pillow_reads_what_is_no_colour_jpeg(tmp_path, name, mode):
    path = save(tmp_path / name, mode=mode)
    found = fast_crops.read_upright(path, 1)
    assert found.mode == mode
    np.testing.assert_array_equal(found, image_reader.read_upright(path, 1))


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_jpeg_that_ends_early_is_refused_as_by_pillow(tmp_path, kept):
    path = photograph(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    for read in (image_reader.read_upright, fast_crops.read_upright):
        with pytest.raises(OSError, match="truncated"):
            read(path, 1)


def test_too_many_pixels_are_refused(tmp_path):
    path = photograph(tmp_path / "a.jpg", (120, 110))
    fast_crops.read_upright(path, 1, 0.0132)
    with pytest.raises(ValueError, match="at most 0.0131 megapixels"):
        fast_crops.read_upright(path, 1, 0.0131)


# --- resizing -------------------------------------------------------------------------

BOXES = [
    (0, 0, 500, 375),
    (100, 50, 420, 290),  # shrunk to 0.70 and 0.93
    (10, 20, 290, 230),  # one side shrunk, the other enlarged
    (200, 100, 380, 250),  # enlarged
    (7, 9, 231, 233),  # neither
]


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("shape", [(224, 224, 3), (64, 64, 3), (96, 32, 3)])
def test_crops_are_close_to_those_of_pillow(tmp_path, box, shape):
    image = Image.open(photograph(tmp_path / "a.jpg"))
    found = fast_crops.resized(np.asarray(image), box, shape)
    expected = crops.resized(image, box, shape)
    assert found.shape == shape and found.dtype == np.uint8
    difference = np.abs(found.astype(int) - expected)
    # Pillow's own bilinear and bicubic crops differ by 2.0 on average, and by up to 13.
    mean = 1.8 if shape[0] == 224 else 3.6
    assert difference.mean() < mean and difference.max() <= 24
    assert abs(found.mean() - expected.mean()) < 0.5  # neither brighter nor darker
    if box[2] - box[0] == shape[1] and box[3] - box[1] == shape[0]:
        np.testing.assert_array_equal(found, expected)


def stripes(length, frequency):
    """Vertical stripes, with a number of periods per pixel."""
    wave = 127.5 + 120 * np.cos(2 * np.pi * frequency * np.arange(length))
    return np.broadcast_to(wave[None, :, None], (length, length, 3)).astype("uint8")


@pytest.mark.parametrize("scale", [1.5, 1.9, 2.5, 3.5, 6.3])
@pytest.mark.parametrize("turned", [False, True])
def test_stripes_too_fine_for_the_result_are_smoothed(scale, turned):
    """Without smoothing, they come back as coarse stripes: they alias."""
    cv2 = pytest.importorskip("cv2")
    pixels = stripes(round(100 * scale), 0.43)
    pixels = np.ascontiguousarray(pixels.swapaxes(0, 1)) if turned else pixels
    box = (0, 0, *pixels.shape[1::-1])
    found = fast_crops.resized(pixels, box, (100, 100, 3))[5:-5, 5:-5]
    aliased = cv2.resize(pixels, (100, 100))[5:-5, 5:-5]
    assert found.std() < 0.62 * aliased.std()
    assert found.std() < 0.33 * pixels.std()


@pytest.mark.parametrize("factor", [2.1, 3.5, 6.3, 12])
def test_noise_is_smoothed_as_by_pillow(factor):
    size = round(64 * factor)
    pixels = RNG.integers(0, 256, (size, size, 3), dtype="uint8")
    box = (0, 0, size, size)
    found = fast_crops.resized(pixels, box, (64, 64, 3)).astype(int)
    expected = crops.resized(Image.fromarray(pixels), box, (64, 64, 3))
    assert np.abs(found - expected).mean() < 0.4 * expected.std()


@pytest.mark.parametrize("factor", [1.01, 1.3, 1.7, 1.99, 2.0, 2.7, 5.0])
def test_the_kernel_adds_the_variance_that_an_interpolation_lacks(factor):
    cv2 = pytest.importorskip("cv2")
    size, sigma = fast_crops._gaussian(factor)
    weights = cv2.getGaussianKernel(size, sigma)[:, 0]
    places = np.arange(size) - size // 2
    found = (weights * places**2).sum()
    # Wide kernels are cut off, and lose some of their variance.
    tolerance = 1e-6 if factor < 2 else 0.2
    np.testing.assert_allclose(found, (factor**2 - 1) / 6, rtol=tolerance)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 2), (5, 4)])
def test_boxes_of_small_and_narrow_images(size):
    pixels = RNG.integers(0, 256, (size[1], size[0], 3), dtype="uint8")
    for _ in range(50):
        box = crops.random_box(size, (0.01, 1.0), RNG)
        found = fast_crops.resized(pixels, box, (8, 6, 3))
        assert found.shape == (8, 6, 3)
        assert pixels.min() <= found.min() and found.max() <= pixels.max()


# --- the choice -----------------------------------------------------------------------


def folder(root, **settings):
    settings = {"image_shape": (32, 32, 3), "batch_size": 2, **settings}
    return datasets.FolderDataset(root, **settings)


def test_a_folder_uses_opencv_for_random_crops_in_colour(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        photograph(tmp_path / name)
    fast, slow = folder(tmp_path), folder(tmp_path, image_library="pillow")
    assert (fast.image_library, slow.image_library) == ("opencv", "pillow")
    difference = np.abs(fast[0].astype(int) - slow[0])
    assert 0 < difference.mean() < 3
    cached = [
        folder(tmp_path, cache_side=200, image_library=library)[0].astype(int)
        for library in ("opencv", "pillow")
    ]
    assert 0 < np.abs(cached[0] - cached[1]).mean() < 3
    for same in ({"crop": "center"}, {"image_shape": (32, 32, 1)}):
        chosen = folder(tmp_path, image_library="opencv", **same)
        assert chosen.image_library == "pillow"
        expected = folder(tmp_path, image_library="pillow", **same)[0]
        np.testing.assert_array_equal(chosen[0], expected)


@pytest.mark.parametrize("settings", [{}, {"cache_side": 200}])
def test_images_of_tfds(settings):
    pixels = RNG.integers(0, 256, (2, 300, 400, 3), dtype="uint8")
    examples = [{"image": image} for image in pixels]

    def read(image_library):
        return TfdsDataset(
            examples, "image", (96, 96, 3), 2, image_library=image_library, **settings
        )

    fast, slow = read("opencv"), read("pillow")
    assert fast.takes_arrays is not bool(settings)
    difference = np.abs(fast[0].astype(int) - slow[0])
    assert fast[0].shape == (2, 96, 96, 3) and 0 < difference.mean() < 15


def test_files_of_other_formats_have_the_bits_of_pillow(tmp_path):
    for name, mode in (("a.png", "RGB"), ("b.jpg", "L"), ("c.gif", "P")):
        save(tmp_path / name, mode=mode)
    read = [
        folder(tmp_path, batch_size=3, image_library=library)[0]
        for library in ("opencv", "pillow")
    ]
    np.testing.assert_array_equal(*read)


@pytest.mark.parametrize("module", [None, type(sys)("cv2")])
def test_pillow_stands_in_where_opencv_is_missing_or_too_old(
    tmp_path, monkeypatch, module
):
    for name in ("a.jpg", "b.jpg"):
        photograph(tmp_path / name)
    expected = folder(tmp_path, image_library="pillow")[0]
    if module is not None:
        module.__version__ = "4.13.0"
    monkeypatch.setitem(sys.modules, "cv2", module)
    data = folder(tmp_path)
    assert data.image_library == "pillow"
    np.testing.assert_array_equal(data[0], expected)
    with pytest.raises(ImportError, match='`image_library="opencv"` need OpenCV'):
        folder(tmp_path, image_library="opencv")


@pytest.mark.parametrize("value", ["cv2", "", 1, True])
def test_bad_library(tmp_path, value):
    photograph(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="`image_library` must be one of"):
        folder(tmp_path, image_library=value)
