"""Each operation against Pillow, and different ones in a batch."""

import math

import numpy as np
import pytest
from keras import ops

from keras_mra.layers import RandAugment
from keras_mra.views import image_operations
from keras_mra.views.image_operations import NARROW
from keras_mra.views.image_operations import OPERATIONS
from keras_mra.views.image_operations import WIDE

pillow = pytest.importorskip("PIL.Image")
enhance = pytest.importorskip("PIL.ImageEnhance")
pil_ops = pytest.importorskip("PIL.ImageOps")
HEIGHT, WIDTH = 20, 28


def photo(channels, low=30, high=220):
    """Smooth light and some noise, uint8."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [np.sin(x / (3 + c)) * np.cos(y / (4 + c)) for c in range(channels)]
    scaled = (np.stack(waves, -1) + 1) / 2 * (high - low) + low
    noise = rng.integers(-9, 10, scaled.shape)
    return np.clip(scaled + noise, low, high).astype("uint8")


def operated(image, name, level, sign=1.0, ranges=NARROW):
    count = 3
    found = image_operations.apply_operations(
        ops.convert_to_tensor(np.stack([image] * count).astype("float32")),
        ops.convert_to_tensor([OPERATIONS.index(name)] * count, "int32"),
        ops.convert_to_tensor([level] * count, "float32"),
        ops.convert_to_tensor([sign] * count, "float32"),
        ranges,
    )
    found = ops.convert_to_numpy(found)
    assert found.shape == (count, *image.shape) and (found == found[0]).all()
    return found[0]


def with_pillow(image, name, level, sign, ranges):
    """The same by Pillow: the operations of the published augmentations."""
    picture = pillow.fromarray(image if image.shape[-1] == 3 else image[..., 0])
    kind, _, axis = name.partition("_")
    side = {"x": WIDTH, "y": HEIGHT}.get(axis, 0)
    largest = {
        "shear": ranges.shear,
        "translate": ranges.translate_share * side + ranges.translate_pixels,
        "rotate": ranges.rotate,
    }
    amount = sign * level * largest.get(kind, ranges.enhance)
    cx, cy = WIDTH / 2, HEIGHT / 2

    def affine(a, b, d, e, shift=(0, 0)):
        """About the centre."""
        c = cx - a * cx - b * cy + shift[0]
        f = cy - d * cx - e * cy + shift[1]
        fill = (128,) * 3 if image.shape[-1] == 3 else 128
        how = pillow.Transform.AFFINE
        return picture.transform(picture.size, how, (a, b, c, d, e, f), fillcolor=fill)

    if kind == "rotate":
        cos, sin = (f(amount * math.pi / 180) for f in (math.cos, math.sin))
        out = affine(cos, -sin, sin, cos)
    else:
        out = {
            "identity": lambda: picture,
            "shear_x": lambda: affine(1, amount, 0, 1),
            "shear_y": lambda: affine(1, 0, amount, 1),
            "translate_x": lambda: affine(1, 0, 0, 1, (amount, 0)),
            "translate_y": lambda: affine(1, 0, 0, 1, (0, amount)),
            "brightness": lambda: enhance.Brightness(picture).enhance(1 + amount),
            "color": lambda: enhance.Color(picture).enhance(1 + amount),
            "contrast": lambda: enhance.Contrast(picture).enhance(1 + amount),
            "sharpness": lambda: enhance.Sharpness(picture).enhance(1 + amount),
            "posterize": lambda: pil_ops.posterize(
                picture, 8 - round(level * ranges.posterize)
            ),
            "solarize": lambda: pil_ops.solarize(picture, 256 * (1 - level)),
            "autocontrast": lambda: pil_ops.autocontrast(picture),
            "equalize": lambda: pil_ops.equalize(picture),
        }[name]()
    return np.asarray(out).reshape(image.shape)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_those_of_pillow(name, channels):
    image = photo(channels)
    for level, sign, ranges in ((0.45, 1, NARROW), (0.8, -1, WIDE)):
        found = operated(image, name, level, sign, ranges)
        expected = with_pillow(image, name, level, sign, ranges)
        # Pillow rounds in between. Places on the edge of two pixels may differ.
        differs = np.abs(found - expected.astype(float)) > 2
        assert differs.mean() < 0.01, (level, differs.mean())
        if name != "identity" and not (name == "color" and channels == 1):
            assert (np.abs(found - image) > 2).mean() > 0.1


def test_each_image_of_a_batch_has_its_own_operation():
    image = photo(3)
    count = len(OPERATIONS)
    found = ops.convert_to_numpy(
        image_operations.apply_operations(
            ops.convert_to_tensor(np.stack([image] * count).astype("float32")),
            ops.arange(count, dtype="int32"),
            ops.convert_to_tensor(np.linspace(0.3, 0.7, count), "float32"),
            ops.convert_to_tensor((-1.0) ** np.arange(count), "float32"),
        )
    )
    for i, (name, level) in enumerate(zip(OPERATIONS, np.linspace(0.3, 0.7, count))):
        alone = operated(image, name, level, (-1.0) ** i)
        np.testing.assert_allclose(found[i], alone, atol=1e-3)


def test_flat_images_stay():
    flat = np.full((HEIGHT, WIDTH, 3), 77, "uint8")
    for name in ("autocontrast", "equalize", "contrast", "sharpness"):
        np.testing.assert_allclose(operated(flat, name, 0.5), flat, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (8, 2), (2, 1)])
def test_images_without_inner_pixels_keep_their_shape(shape):
    images = np.full((2, *shape, 3), 7, "uint8")
    assert RandAugment(seed=0)(images).shape == images.shape
    smoothed = image_operations._smoothed(ops.cast(images, "float32"))
    np.testing.assert_array_equal(smoothed, images)


def test_other_numbers_of_channels():
    with pytest.raises(ValueError, match="`images` must have 1 or 3 channels"):
        operated(np.zeros((HEIGHT, WIDTH, 4), "uint8"), "rotate", 0.5)
