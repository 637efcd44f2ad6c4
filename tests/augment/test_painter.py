"""What is painted in a copy, on every backend, and what must not change."""

import io
import os

import cv2
import numpy as np
import pytest
from helpers.augmenting import augment
from helpers.augmenting import changed_patches
from helpers.augmenting import copies_in
from helpers.augmenting import write
from helpers.models import TINY
from helpers.models import compute
from helpers.reading import noise
from helpers.reading import png16
from PIL import Image

import keras_mra
from keras_mra import files
from keras_mra.augment.painter import Painter
from keras_mra.datasets import crops
from keras_mra.datasets.exact_image import ExactImage


@pytest.mark.parametrize("size", [(16, 16), (31, 57), (64, 16), (200, 120)])
def test_visible_pixels_stay_bit_for_bit(mae, tmp_path, size):
    pixels = noise(*size, 3)
    write(tmp_path / "in" / "a.png", pixels)
    report = augment(mae, tmp_path, copies=3, mask_ratio=0.5)
    assert (report.written, report.skipped, report.failed) == (3, 0, [])
    masks = []
    for i in (1, 2, 3):
        image = Image.open(tmp_path / "out" / f"a.png.mra{i}.png")
        assert image.mode == "RGB" and image.size == size[::-1]
        masks.append(changed_patches(pixels, np.asarray(image), mae.grid))
        assert masks[-1].sum() == 8
    assert any((mask != masks[0]).any() for mask in masks[1:])


def test_at_its_own_size_the_image_is_what_reconstruct_gives(mae, tmp_path):
    pixels = noise(16, 16, 3)
    write(tmp_path / "in" / "a.png", pixels)
    augment(mae, tmp_path, temperature=0, mask_ratio=0.25)
    images = pixels[None].astype("float32")
    attention = compute(mae.attention, images)
    visible = keras_mra.masking.visible_patches(attention, 0.25)
    expected = compute(mae.reconstruct, images, visible)[0]
    found = np.asarray(Image.open(tmp_path / "out" / "a.png.mra1.png"))
    assert np.abs(found - expected).max() <= 0.51


@pytest.mark.parametrize("strategy", ["attention", "low_attention"])
def test_strategies_choose_the_patches(mae, tmp_path, strategy):
    pixels = noise(16, 16, 3)
    write(tmp_path / "in" / "a.png", pixels)
    augment(mae, tmp_path, strategy=strategy, temperature=0)
    attention = compute(mae.attention, pixels[None].astype("float32"))[0]
    order = np.argsort(attention if strategy == "attention" else -attention)
    dropped = order[: round(0.4 * mae.num_patches)]
    found = np.asarray(Image.open(tmp_path / "out" / "a.png.mra1.png"))
    changed = changed_patches(pixels, found, mae.grid)
    np.testing.assert_array_equal(np.flatnonzero(changed), np.sort(dropped))


def test_random_patches_differ_from_copy_to_copy_without_temperature(mae, tmp_path):
    pixels = noise(16, 16, 3)
    write(tmp_path / "in" / "a.png", pixels)
    report = augment(mae, tmp_path, copies=3, temperature=0, strategy="random")
    assert report.written == 3
    masks = {
        changed_patches(pixels, np.asarray(Image.open(path)), mae.grid).tobytes()
        for path in (tmp_path / "out").glob("*.png")
    }
    assert len(masks) > 1


def test_enlarged_paint_is_smooth_not_in_blocks(mae, tmp_path):
    write(tmp_path / "in" / "a.png", np.full((160, 160, 3), 128, "uint8"))
    augment(mae, tmp_path, mask_ratio=0.75)
    found = np.asarray(Image.open(tmp_path / "out" / "a.png.mra1.png"))
    painted = found[(found != 128).any(-1)]
    assert len(np.unique(painted)) > 16


def kinds():
    """Name, pixels that a copy must hold where it is visible, how to save them."""
    palette = Image.fromarray(noise(20, 30, 3)).quantize(17)
    clear = palette.copy()
    clear.info["transparency"] = 3
    bits = Image.fromarray(noise(20, 30)).convert("1")
    return {
        "gray.png": (noise(20, 30), "L"),
        "color.png": (noise(20, 30, 3), "RGB"),
        "alpha.png": (noise(20, 30, 4), "RGBA"),
        "gray_alpha.png": (noise(20, 30, 2), "LA"),
        "deep.png": (noise(20, 30, dtype="uint16"), "I;16"),
        "palette.png": (palette, "RGB"),
        "clear.png": (clear, "RGBA"),
        "bits.png": (bits, "L"),
        "lossless.webp": (noise(20, 30, 4), "RGBA"),
        "photo.JPG": (noise(20, 30, 3), "RGB"),
        "still.gif": (palette, "RGB"),
        "print.jpeg": (Image.fromarray(noise(20, 30, 3)).convert("CMYK"), "RGB"),
        "tiny.png": (noise(3, 5, 3), "RGB"),
        "one_pixel.png": (noise(1, 1), "L"),
    }


@pytest.mark.parametrize("name", kinds())
@pytest.mark.parametrize("which", ["color", "gray"])
def test_kinds_keep_mode_depth_and_alpha(mae, gray_mae, tmp_path, name, which):
    model = {"color": mae, "gray": gray_mae}[which]
    content, mode = kinds()[name]
    image = Image.fromarray(content) if isinstance(content, np.ndarray) else content
    path = tmp_path / "in" / name
    path.parent.mkdir()
    # What an exact reader sees; the lossless formats also give the pixels back.
    image.save(path, **({"lossless": True, "exact": True} if "webp" in name else {}))
    original = Image.open(path)
    original = original if original.mode == mode else original.convert(mode)
    before = np.asarray(original)
    if isinstance(content, np.ndarray) and "JPG" not in name:
        np.testing.assert_array_equal(before, content)

    report = augment(model, tmp_path)
    assert report.failed == [] and report.written == 1
    after_image = Image.open(tmp_path / "out" / f"{name}.mra1.png")
    after = np.asarray(after_image)
    assert after_image.mode == mode
    assert after.shape == before.shape and after.dtype == before.dtype
    if mode in ("LA", "RGBA"):
        np.testing.assert_array_equal(after[..., -1], before[..., -1])
        before, after = before[..., :-1], after[..., :-1]
    dropped = round(0.4 * model.num_patches)
    assert changed_patches(before, after, model.grid).sum() <= dropped
    if min(before.shape[:2]) >= 16 and name != "bits.png":
        assert changed_patches(before, after, model.grid).sum() == dropped


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_sixteen_bit_color_stays_sixteen_bit(mae, tmp_path, channels):
    pixels = noise(20, 30, channels, dtype="uint16")
    path = tmp_path / "in" / "a.png"
    path.parent.mkdir()
    path.write_bytes(png16(pixels))
    assert augment(mae, tmp_path).failed == []
    after = cv2.imread(tmp_path / "out" / "a.png.mra1.png", cv2.IMREAD_UNCHANGED)
    assert after.dtype == np.uint16
    # OpenCV stores BGR, and repeats grey.
    after = after[..., {2: [0, 3], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]]
    colors = channels - 1 if channels in (2, 4) else channels
    np.testing.assert_array_equal(after[..., colors:], pixels[..., colors:])
    changed = changed_patches(pixels, after, mae.grid)
    assert changed.sum() == round(0.4 * mae.num_patches)


@pytest.mark.parametrize("strategy", ["attention", "random"])
def test_paint_that_is_nan_is_not_written(tmp_path, strategy):
    mae = keras_mra.MAE((16, 16, 3), 4, **TINY)
    for weight in mae.encoder.get_layer("patch_embedding").weights:
        weight.assign(np.full(weight.shape, 1e38))
    write(tmp_path / "in" / "a.png", noise(20, 30, 3))
    with pytest.raises(ValueError, match="must (be|paint) finite"):
        augment(mae, tmp_path, strategy=strategy)
    assert not list((tmp_path / "out").glob("*.png"))


def test_gray_stays_gray_and_color_meets_a_gray_mae(gray_mae, tmp_path):
    pixels = noise(32, 16, 3)
    write(tmp_path / "in" / "a.png", pixels)
    augment(gray_mae, tmp_path, batch_size=2)
    after = np.asarray(Image.open(tmp_path / "out" / "a.png.mra1.png"))
    painted = [changed_patches(pixels[..., c], after[..., c], (4, 2)) for c in range(3)]
    assert painted[0].sum() == 3  # round(0.4 * 8), the same patches in each colour
    assert (painted[0] == painted[1]).all() and (painted[0] == painted[2]).all()


def test_four_channel_mae_sees_alpha(alpha_mae, tmp_path):
    pixels = noise(20, 30, 4)
    found = []
    for target, alpha in (("out", pixels[..., 3:]), ("clear", pixels[..., 3:] // 2)):
        pixels[..., 3:] = alpha
        write(tmp_path / "in" / "a.png", pixels)
        assert augment(alpha_mae, tmp_path, target, strategy="random").failed == []
        found.append(np.asarray(Image.open(tmp_path / target / "a.png.mra1.png")))
        np.testing.assert_array_equal(found[-1][..., 3:], alpha)
    # The same patches are painted, in other colours.
    masks = [
        changed_patches(pixels[..., :3], f[..., :3], alpha_mae.grid) for f in found
    ]
    np.testing.assert_array_equal(*masks)
    assert (found[0][..., :3] != found[1][..., :3]).any()


def test_transparent_pixels_weigh_as_little_as_in_training(alpha_mae):
    pixels = noise(32, 32, 4)
    pixels[:8, :8, 3] = 0
    box = (0, 0, 32, 32)
    expected = crops.resized(Image.fromarray(pixels), box, (16, 16, 4)).astype("float")
    painter = Painter(alpha_mae, 0.5, "random", 0.0, 0, 4)
    image = ExactImage(pixels[..., :3], pixels[..., 3:], {})
    found = painter._whole(image)
    np.testing.assert_allclose(found[..., 3], expected[..., 3], atol=1.0)
    # Pillow rounds the colours before it divides them by alpha.
    alpha = expected[..., 3:] / 255
    np.testing.assert_allclose(
        found[..., :3] * alpha, expected[..., :3] * alpha, atol=2
    )
    # At the size of the MAE, nothing is resized, and hidden colours stay.
    image = ExactImage(pixels[:16, :16, :3], pixels[:16, :16, 3:], {})
    np.testing.assert_allclose(painter._whole(image), pixels[:16, :16], atol=1e-4)


def test_four_channel_mae_takes_images_without_alpha(alpha_mae, tmp_path):
    write(tmp_path / "in" / "a.png", noise(20, 30))
    assert augment(alpha_mae, tmp_path).failed == []
    assert Image.open(tmp_path / "out" / "a.png.mra1.png").mode == "L"


def test_copies_depend_on_seed_path_and_number_alone(mae, tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        write(tmp_path / "in" / name, np.full((16, 16, 3), 90, "uint8"))
    augment(mae, tmp_path, copies=2)
    first = copies_in(tmp_path / "out")
    assert len(set(first.values())) > 3  # Equal images, yet other masks.
    augment(mae, tmp_path, "one", copies=2, batch_size=1)
    for name, data in first.items():
        one, other = (
            np.asarray(Image.open(io.BytesIO(d)), "int16")
            for d in (data, (tmp_path / "one" / name).read_bytes())
        )
        assert np.abs(one - other).max() <= 1
    augment(mae, tmp_path, "two", copies=2, seed=1)
    assert copies_in(tmp_path / "two") != first


def test_a_killed_run_goes_on_where_it_stopped(mae, tmp_path, monkeypatch):
    for i in range(5):
        write(tmp_path / "in" / "d" / f"{i}.png", noise(16, 16, 3))
    augment(mae, tmp_path, copies=2)
    uninterrupted = copies_in(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "whole")

    replace, calls = os.replace, []

    def killed(source, target, **folders):
        calls.append(target)
        if len(calls) == 5:  # After the record and three copies.
            raise KeyboardInterrupt
        replace(source, target, **folders)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        augment(mae, tmp_path, copies=2)
    monkeypatch.setattr(os, "replace", replace)
    finished = copies_in(tmp_path / "out")
    assert len(finished) == 3 and finished.items() <= uninterrupted.items()
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.png")}
    # A power cut leaves what an exception would have removed.
    (tmp_path / "out" / "d" / f"{files.PREFIX}0.png").write_bytes(b"half")
    report = augment(mae, tmp_path, copies=2)
    assert (report.written, report.skipped) == (7, 3)
    assert copies_in(tmp_path / "out") == uninterrupted
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    again = augment(mae, tmp_path, copies=2)
    assert (again.written, again.skipped) == (0, 10)
