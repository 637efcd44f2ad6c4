"""Images of PyTorch's data sets come back as they were, with repainted patches."""

import functools
import pickle

import keras
import numpy as np
import pytest
from helpers.models import randomize
from helpers.small_augmentor import make_mae
from PIL import Image

import keras_mra
from keras_mra.layers import MaskReconstruct

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)


def pictures(channels, batch=()):
    return RNG.integers(0, 256, (*batch, 12, 12, channels)).astype("uint8")


@functools.cache
def transform_for(channels=3, value_range=(0, 255), **arguments):
    mae = randomize(make_mae((12, 12, channels), value_range=value_range))
    return keras_mra.TorchTransform(MaskReconstruct(mae, 0.5, **arguments))


def to_tensor(pixels):
    """As torchvision's `PILToTensor` for an image or a batch."""
    return torch.from_numpy(np.moveaxis(pixels, -1, -3).copy())


def from_tensor(tensor):
    return np.moveaxis(tensor.float().numpy(), -3, -1)


class Photo(torch.Tensor):
    """As `torchvision.tv_tensors.Image`."""


def floats(dtype):
    return (
        lambda pixels: (to_tensor(pixels) / 255).to(dtype),
        lambda found: from_tensor(found) * 255,
    )


# Each format: from uint8 pixels, and back to them.
FORMATS = {
    "tensor": (to_tensor, from_tensor),
    "tensor of float32": floats(torch.float32),
    "tensor of float64": floats(torch.float64),
    "tensor of float16": floats(torch.float16),
    "tensor of bfloat16": floats(torch.bfloat16),
    "tensor of a subclass": (lambda x: to_tensor(x).as_subclass(Photo), from_tensor),
    "array": (lambda x: x, lambda x: x),
    "array of float32": (lambda x: np.float32(x / 255), lambda x: x * 255),
    "array of float64": (lambda x: x / 255, lambda x: x * 255),
}


def same_kind(a, b):
    if isinstance(a, torch.Tensor):
        assert a.device == b.device
    assert type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape


@pytest.mark.parametrize("value_range", [(0, 255), (-1, 1)], ids=str)
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("batch", [(), (3,)], ids=["image", "batch"])
def test_formats(name, batch, value_range):
    write, read = FORMATS[name]
    transform = transform_for(value_range=value_range)
    pixels = pictures(3, batch)
    image = write(pixels)
    before = image.clone() if isinstance(image, torch.Tensor) else image.copy()
    found = transform(image)
    same_kind(found, image)
    assert (image == before).all()  # The caller's image is not changed.
    # 5 patches of 9 are kept, bit for bit.
    assert int((found == image).sum()) >= 5 / 9 * pixels.size
    low, high = value_range
    scaled = np.float32(pixels / 255 * (high - low) + low)
    wanted = keras.ops.convert_to_numpy(transform.layer(scaled))
    wanted = (wanted - low) / (high - low) * 255
    assert (np.abs(wanted - pixels) > 8).any()
    atol = 2 if "float16" in name else 0.51
    np.testing.assert_allclose(read(found), wanted, atol=atol)


@pytest.mark.parametrize(
    "mode, channels",
    [("L", 1), ("LA", 1), ("RGB", 3), ("RGBA", 3), ("RGBA", 4)],
)
def test_pil_images_keep_their_mode_and_alpha(mode, channels):
    transform = transform_for(channels)
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = pictures(bands)
    image = Image.fromarray(pixels[..., 0] if bands == 1 else pixels)
    assert image.mode == mode
    found = transform(image)
    assert isinstance(found, Image.Image)
    assert found.mode == mode and found.size == image.size
    found = np.asarray(found).reshape(pixels.shape)
    wanted = keras.ops.convert_to_numpy(transform.layer(pixels[..., :channels]))
    np.testing.assert_array_equal(found[..., :channels], wanted)
    np.testing.assert_array_equal(found[..., channels:], pixels[..., channels:])
    assert (wanted != pixels[..., :channels]).any()


def test_gray_arrays_need_no_axis_of_channels():
    transform = transform_for(1)
    pixels = pictures(1)
    found = transform(pixels[..., 0])
    assert found.shape == (12, 12)
    np.testing.assert_array_equal(found, transform(pixels)[..., 0])


def test_other_sizes_with_resize():
    transform = transform_for(resize=True)
    image = torch.from_numpy(RNG.integers(0, 256, (3, 20, 16)).astype("uint8"))
    found = transform(image)
    assert found.shape == image.shape and (found != image).any()
    assert transform(Image.new("RGB", (16, 20))).size == (16, 20)


def test_further_values_are_the_same_objects():
    transform = transform_for()
    image = to_tensor(pictures(3))
    target = {"boxes": torch.zeros((2, 4)), "masks": torch.ones((2, 12, 12))}
    view, found, label = transform(image, target, 7)
    assert found is target and label == 7 and (view != image).any()
    pixels, mask, boxes = pictures(3), np.ones((12, 12)), [(0, 0, 3, 3, "cat")]
    sample = transform(image=pixels, mask=mask, bboxes=boxes)
    assert list(sample) == ["image", "mask", "bboxes"]
    assert sample["mask"] is mask and sample["bboxes"] is boxes
    np.testing.assert_array_equal(sample["image"], transform(pixels))


OBJECT = np.zeros((12, 12), bool)
OBJECT[1:6, 2:7] = True
FAR = np.zeros((12, 12), bool)
FAR[9:, 9:] = True
BOX, FAR_BOX = (2, 1, 7, 6), (9, 9, 12, 12)
MASKS = {
    "torchvision's detection": {"masks": torch.from_numpy(np.stack([OBJECT, FAR]))},
    "torchvision's segmentation": Image.fromarray(np.uint8(OBJECT | FAR)),
    "a tensor": torch.from_numpy(1 * (OBJECT | FAR))[None],
    "Albumentations' mask": {"mask": np.uint8(OBJECT | FAR)[..., None]},
    "Albumentations' masks": {"masks": [np.uint8(OBJECT), np.uint8(FAR)]},
}
BOXES = {
    "torchvision's": {"boxes": torch.tensor([BOX, FAR_BOX])},
    "Albumentations'": {"bboxes": [(*BOX, "cat"), (*FAR_BOX, "dog")]},
    "three": {"bboxes": np.array([BOX, FAR_BOX, BOX])},
}


@pytest.mark.parametrize(
    "protect, target, by_name",
    [
        pytest.param(protect, target, by_name, id=f"{name}-{by_name}")
        for protect, targets in (
            ("segmentation_masks", MASKS),
            ("bounding_boxes", BOXES),
        )
        for name, target in targets.items()
        # By name, the annotation is always an entry of a dict.
        for by_name in ((False, True) if isinstance(target, dict) else (False,))
    ],
)
def test_protected_objects(protect, target, by_name):
    box_format = "xyxy" if protect == "bounding_boxes" else None
    transform = transform_for(
        protect=protect, bounding_box_format=box_format, strategy="random"
    )
    image = pictures(3)
    changed = np.zeros((12, 12), bool)
    for _ in range(8):
        if by_name:
            view = transform(image=image, **target)["image"]
        else:
            view, found = transform(image, target)
            assert found is target
        changed |= (view != image).any(-1)
    # All 9 patches but the 4 and the 1 that the objects touch are repainted sometimes.
    touched = np.kron([[1, 1, 0], [1, 1, 0], [0, 0, 1]], np.ones((4, 4))) > 0
    assert not changed[touched].any() and changed[~touched].mean() > 0.9


@pytest.mark.parametrize("boxes", [[], torch.zeros((0, 4))], ids=str)
def test_images_without_objects(boxes):
    transform = transform_for(protect="bounding_boxes", bounding_box_format="xyxy")
    image = pictures(3)
    assert (transform(image, {"boxes": boxes})[0] != image).any()
    transform = transform_for(protect="segmentation_masks")
    assert (transform(image, {"masks": torch.zeros((0, 12, 12))})[0] != image).any()


# --- randomness ----------------------------------------------------------------------


def test_the_generator_of_pytorch_decides():
    transform = transform_for(strategy="random", seed=0)
    image = pictures(3)
    torch.manual_seed(3)
    first, second = transform(image), transform(image)
    assert (first != second).any()
    torch.manual_seed(3)
    np.testing.assert_array_equal(transform(image), first)
    np.testing.assert_array_equal(transform(image), second)
    torch.manual_seed(4)
    assert (transform(image) != first).any()


def test_it_can_be_pickled():
    transform = transform_for(strategy="random", rate=0.7)
    again = pickle.loads(pickle.dumps(transform))
    assert again.layer.get_config()["rate"] == 0.7
    image = pictures(3)
    for _ in range(3):
        torch.manual_seed(0)
        found = transform(image)
        torch.manual_seed(0)
        np.testing.assert_array_equal(again(image), found)


# --- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize("layer", [keras.layers.RandomFlip(), "MaskReconstruct"])
def test_other_layers_are_refused(layer):
    with pytest.raises(ValueError, match="`layer` must be a .*Received: layer="):
        keras_mra.TorchTransform(layer)


def test_layers_that_return_more_are_refused():
    with pytest.raises(ValueError, match="`layer` must be .*without `return_visible`"):
        transform_for(return_visible=True)


U8 = np.zeros((12, 12, 3), "uint8")


@pytest.mark.parametrize(
    "image, message",
    [
        (U8.tolist(), "`image` must be a PIL image, a tensor.*type list"),
        (Image.new("P", (12, 12)), r"mode 'RGB' or 'RGBA'.*'P'.*convert\('RGB'\)"),
        (Image.new("L", (12, 12)), "mode 'RGB' or 'RGBA'.*mode 'L'"),
        (torch.from_numpy(U8), r"\(channels, height.*whose channels come last"),
        (torch.from_numpy(U8)[..., 0], r"3 channels. Received: shape \(12, 12\)$"),
        (U8.transpose(2, 0, 1), r"\(height, width.*whose channels come first"),
        (U8[..., :1], r"3 channels. Received: shape \(12, 12, 1\)$"),
        (U8[..., 0], r"3 channels. Received: shape \(12, 12\)$"),
        (U8.astype("int32"), "dtype uint8, .* or float.*Received: dtype int32"),
        (to_tensor(U8).long(), "dtype uint8, .* or float.*Received: dtype torch.int64"),
        (U8 + 17.0, "floats from 0 to 1, as before a norm.*values from 17 to 17"),
        (U8 - 0.5, "floats from 0 to 1.*values from -0.5 to -0.5"),
        (U8 + np.nan, "floats from 0 to 1.*nan"),
        (U8[:8], "12x12 pixels, .*unless `resize=True`.*8x12"),
    ],
    ids=lambda x: "" if isinstance(x, str) else type(x).__name__,
)
def test_bad_images(image, message):
    with pytest.raises(ValueError, match=message):
        transform_for()(image)


def test_an_autoencoder_of_other_channels_takes_no_pil_images():
    with pytest.raises(ValueError, match="must be a tensor or .* 2 channels"):
        transform_for(2)(Image.new("RGB", (12, 12)))


def test_bad_calls():
    transform = transform_for()
    with pytest.raises(ValueError, match="`image` must be given. Received: nothing"):
        transform()
    with pytest.raises(ValueError, match=r"`image` must be given.*\['img'\]"):
        transform(img=U8)
    with pytest.raises(ValueError, match=r"all by name. Received: 1 values, and \['ma"):
        transform(U8, mask=U8)


@pytest.mark.parametrize(
    "targets, message",
    [
        ([], r"`target` must be a dict .*\('masks', 'mask'\).*the image alone"),
        ([3], "Received: a int"),
        ([{"boxes": []}], r"a dict with the keys \['boxes'\]"),
        ([{"masks": torch.ones((2, 12, 9))}], r"`masks` must have .*\(2, 12, 9\)"),
    ],
    ids=str,
)
def test_bad_annotations(targets, message):
    transform = transform_for(protect="segmentation_masks")
    with pytest.raises(ValueError, match=message):
        transform(U8, *targets)


def test_no_annotations_of_batches():
    transform = transform_for(protect="segmentation_masks")
    with pytest.raises(ValueError, match="`image` must be one image.*batch of 2"):
        transform(np.stack([U8, U8]), np.ones((2, 12, 12)))
