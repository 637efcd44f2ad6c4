"""Images and masks of their objects, cropped and resized together."""

import numpy as np
import pytest
from helpers.reading import noise
from helpers.reading import save
from PIL import Image

from keras_mra import datasets

pytestmark = pytest.mark.once


def disc(width, height, x, y, radius):
    """A bool array, true within a circle."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


def with_alpha(path, mask, mode="RGBA"):
    """Writes an image that is bright on its object and nowhere else."""
    pixels = np.where(mask, 255, 0).astype("uint8")
    bands = [pixels] * (len(mode) - 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.merge(mode, [Image.fromarray(band) for band in (*bands, pixels)]).save(path)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("size", [(60, 40), (40, 60), (16, 16)])
def test_alpha_follows_the_pixels(tmp_path, mode, size):
    with_alpha(tmp_path / "a.png", disc(*size, size[0] / 2 + 3, size[1] / 2, 7), mode)
    images, masks = datasets.images_and_masks(tmp_path, (16, 24, 1))
    assert images.shape == (1, 16, 24, 1) and masks.shape == (1, 16, 24)
    assert images.dtype == np.uint8 and masks.dtype == bool
    assert 0 < masks.sum() < masks.size
    # The object is the bright part, before and after.
    np.testing.assert_array_equal(masks, images[..., 0] > 127)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_images_are_those_of_the_folder_data_set(tmp_path, name):
    for i in range(3):
        save(tmp_path / f"{i}{name}", (300 + i, 200))
    found, masks = datasets.images_and_masks(tmp_path, (20, 24, 3))
    read = datasets.FolderDataset(tmp_path, (20, 24, 3), 3, crop="center")
    np.testing.assert_array_equal(found, read.batch(np.arange(3)))
    assert masks is None  # nothing is transparent


def test_files_are_spread_evenly(tmp_path):
    for i in range(10):
        Image.new("L", (8, 8), 20 * i).save(tmp_path / f"{i}.png")
    images, _ = datasets.images_and_masks(tmp_path, (8, 8, 1), count=4)
    assert images[:, 0, 0, 0].tolist() == [0, 40, 100, 140]


def test_an_opaque_image_beside_others_is_all_object(tmp_path):
    with_alpha(tmp_path / "a.png", disc(16, 16, 8, 8, 4))
    save(tmp_path / "b.jpg", (16, 16))
    _, masks = datasets.images_and_masks(tmp_path, (8, 8, 3))
    assert not masks[0].all() and masks[1].all()


def test_alpha_of_few_images_is_no_mask(tmp_path):
    for i in range(4):
        save(tmp_path / f"{i}.jpg", (16, 16))
    with_alpha(tmp_path / "logo.png", disc(16, 16, 8, 8, 4))
    for i in range(5):  # All of their pixels are transparent.
        with_alpha(tmp_path / f"faded{i}.png", np.zeros((16, 16), bool))
    images, masks = datasets.images_and_masks(tmp_path, (8, 8, 3))
    assert len(images) == 10 and masks is None


def test_transparent_colours_are_no_object(tmp_path):
    mask = disc(16, 16, 8, 8, 5)
    pixels = Image.fromarray(np.where(mask, 9, 0).astype("uint8"))
    pixels.save(tmp_path / "a.png", transparency=0)
    palette = pixels.convert("P")
    palette.save(tmp_path / "b.gif", transparency=palette.getpixel((0, 0)))
    _, masks = datasets.images_and_masks(tmp_path, (16, 16, 3))
    np.testing.assert_array_equal(masks, [mask, mask])


def mask_files(mask):
    """One mask in every form, by the name of its file."""
    pixels = {
        "soft.png": np.where(mask, 200, 100).astype("uint8"),
        "labels.png": np.where(mask, 3, 0).astype("uint8"),
        "deep.png": np.where(mask, 40000, 20000).astype("uint16"),
        "deep_labels.tif": np.where(mask, 300, 0).astype("uint16"),
        "float.tif": np.where(mask, 0.8, 0.3).astype("float32"),
        "rgb.png": np.where(mask[..., None], 255, 0).astype("uint8").repeat(3, 2),
    }
    files = {name: Image.fromarray(values) for name, values in pixels.items()}
    palette = Image.fromarray(np.where(mask, 1, 0).astype("uint8"))
    palette.putpalette([255, 255, 255, 0, 0, 0])  # The object is black.
    files["palette.png"] = palette
    files["bits.png"] = Image.fromarray(mask)
    files["half_size.png"] = files["rgb.png"].resize((30, 20))
    return files


def test_masks_of_every_kind(tmp_path):
    mask = disc(60, 40, 33, 20, 9)
    files = mask_files(mask)
    for name, file in files.items():
        stem = name.partition(".")[0]
        with_alpha(tmp_path / "images" / "cat" / f"{stem}.webp", mask)
        (tmp_path / "masks" / "cat").mkdir(parents=True, exist_ok=True)
        file.save(tmp_path / "masks" / "cat" / name)
    save(tmp_path / "images" / "without.png")
    images, masks = datasets.images_and_masks(
        tmp_path / "images", (40, 40, 3), masks=tmp_path / "masks"
    )
    assert len(images) == len(masks) == len(files)
    _, expected = datasets.images_and_masks(tmp_path / "images" / "cat", (40, 40, 3))
    for name, found, alpha in zip(sorted(files), masks, expected):
        wrong = (found != alpha).sum()
        assert wrong == 0 or (name == "half_size.png" and wrong < 40), name


def test_orientation_is_applied_to_both(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # To be shown after a quarter turn clockwise.
    pixels = noise(8, 16, 4)
    pixels[..., 3] = np.where(disc(16, 8, 4, 4, 3), 255, 0)
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    images, masks = datasets.images_and_masks(tmp_path, (16, 8, 3))
    upright = np.rot90(pixels, -1)
    np.testing.assert_array_equal(images[0], upright[..., :3])
    np.testing.assert_array_equal(masks[0], upright[..., 3] > 0)


def test_files_that_cannot_be_read_are_left_out(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"1 of 1 images could not be read: .*broken"):
        datasets.images_and_masks(tmp_path, (8, 8, 3))
    save(tmp_path / "good.png")
    with pytest.warns(UserWarning, match=r"1 of 2 images could not be read: .*broken"):
        images, _ = datasets.images_and_masks(tmp_path, (8, 8, 3))
    assert len(images) == 1


def test_bad_input_is_named(tmp_path):
    images, masks = tmp_path / "images", tmp_path / "masks"
    save(images / "a.png", (40, 30))
    save(masks / "b.png")
    for arguments, message in [
        ({"count": 0}, "`count` must be a positive integer"),
        ({"image_shape": (8, 8, 2)}, "`image_shape` must end in 1, 3 or 4"),
        ({"masks": masks}, r"named as the images.*none in .*masks.*such as 'a.png'"),
    ]:
        with pytest.raises(ValueError, match=message):
            datasets.images_and_masks(images, **{"image_shape": (8, 8, 3), **arguments})
    save(masks / "a.png", (30, 40))
    with pytest.raises(ValueError, match="proportions.*30x40 pixels for .*40x30"):
        datasets.images_and_masks(images, (8, 8, 3), masks=masks)
    save(masks / "a.bmp")
    with pytest.raises(ValueError, match=r"`masks` must hold one file.*a\.bmp"):
        datasets.images_and_masks(images, (8, 8, 3), masks=masks)
    with pytest.raises(FileNotFoundError):
        datasets.images_and_masks(tmp_path / "none", (8, 8, 3))
