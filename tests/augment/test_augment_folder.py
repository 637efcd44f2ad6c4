"""Copies of a folder: what is painted, what must not change, and interrupted runs."""

import errno
import functools
import importlib
import io
import os
import pathlib
import zlib

import keras
import numpy as np
import pytest
from PIL import Image

import keras_mra
from keras_mra.augment import folder as augment_folder
from keras_mra.datasets import png16
from keras_mra.datasets.exact import read_exact

# The package exports the function under the module's name.
module = importlib.import_module("keras_mra.augment.folder")
RNG = np.random.default_rng(0)
TINY = {
    "patch_size": 4,
    "encoder_dim": 16,
    "encoder_depth": 1,
    "encoder_heads": 2,
    "decoder_dim": 16,
    "decoder_depth": 1,
    "decoder_heads": 2,
}


@pytest.fixture(scope="module", autouse=True)
def compile_once():
    """Saves half the time: most runs below ask for the same compiled functions."""
    with pytest.MonkeyPatch.context() as patch:
        compiled = functools.cache(module.backend.compiled)
        patch.setattr(module.backend, "compiled", compiled)
        yield


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE(image_shape=(16, 16, 3), **TINY)


@pytest.fixture(scope="module")
def gray_mae():
    return keras_mra.MAE(image_shape=(16, 8, 1), value_range=(0, 1), **TINY)


def noise(*shape, dtype="uint8"):
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def save(path, pixels, mode=None, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **kwargs)
    return path


def run(mae, tmp_path, **kwargs):
    kwargs = {"batch_size": 4, "progress": False, **kwargs}
    return augment_folder(mae, tmp_path / "in", tmp_path / "out", **kwargs)


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def changed_patches(before, after, grid):
    """Which cells of a grid hold a changed pixel; (rows, columns) bool."""
    height, width = before.shape[:2]
    changed = np.zeros(grid, bool)
    different = (before != after).reshape(height, width, -1).any(-1)
    for y, x in np.argwhere(different):
        row = int((y + 0.5) * grid[0] / height)
        changed[row, int((x + 0.5) * grid[1] / width)] = True
    return changed


# --- what is painted ------------------------------------------------------------


@pytest.mark.parametrize("size", [(16, 16), (31, 57), (64, 16), (200, 120)])
def test_visible_pixels_stay_bit_for_bit(mae, tmp_path, size):
    pixels = noise(*size, 3)
    save(tmp_path / "in" / "a.png", pixels)
    report = run(mae, tmp_path, copies=3, mask_ratio=0.5)
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
    save(tmp_path / "in" / "a.png", pixels)
    run(mae, tmp_path, temperature=0, mask_ratio=0.25)
    images = pixels[None].astype("float32")
    visible = keras_mra.masking.visible_patches(mae.attention(images), 0.25)
    expected = keras.ops.convert_to_numpy(mae.reconstruct(images, visible))[0]
    found = np.asarray(Image.open(tmp_path / "out" / "a.png.mra1.png"))
    assert np.abs(found - expected).max() <= 0.51


@pytest.mark.parametrize("strategy", ["attention", "low_attention", "random"])
def test_strategies(mae, tmp_path, strategy):
    save(tmp_path / "in" / "a.png", noise(16, 16, 3))
    report = run(mae, tmp_path, strategy=strategy, copies=2)
    assert report.written == 2


def test_enlarged_paint_is_smooth_not_in_blocks(mae, tmp_path):
    save(tmp_path / "in" / "a.png", np.full((160, 160, 3), 128, "uint8"))
    run(mae, tmp_path, mask_ratio=0.75)
    found = np.asarray(Image.open(tmp_path / "out" / "a.png.mra1.png"))
    painted = found[(found != 128).any(-1)]
    assert len(np.unique(painted)) > 16


# --- kinds of images --------------------------------------------------------------


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

    report = run(model, tmp_path)
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
    path.write_bytes(png16.png16(pixels, [(b"gAMA", b"\0\0\xb1\x8f")]))
    np.testing.assert_array_equal(png16.read_png16(path)[0], pixels)
    upper = np.asarray(Image.open(path))  # What Pillow makes of it: the high bytes.
    np.testing.assert_array_equal(upper[..., -channels:], pixels >> 8)
    assert run(mae, tmp_path).failed == []
    copy = tmp_path / "out" / "a.png.mra1.png"
    after, chunks = png16.read_png16(copy)
    assert chunks == [(b"gAMA", b"\0\0\xb1\x8f")]
    colors = channels - 1 if channels in (2, 4) else channels
    np.testing.assert_array_equal(after[..., colors:], pixels[..., colors:])
    changed = changed_patches(pixels, after, mae.grid)
    assert changed.sum() == round(0.4 * mae.num_patches)
    Image.open(copy).load()


def test_png16_agrees_with_an_independent_decoder(tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    for channels in (3, 4):
        pixels = noise(13, 9, channels, dtype="uint16")
        decoded = tensorflow.io.decode_png(
            png16.png16(pixels), channels=channels, dtype="uint16"
        )
        np.testing.assert_array_equal(decoded.numpy(), pixels)


def test_interlaced_sixteen_bit_color(tmp_path):
    pixels = noise(11, 13, 3, dtype="uint16")
    passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2)]
    passes += [(0, 2, 1, 2), (1, 2, 0, 1)]  # Adam7: rows and columns of each pass.
    lines = b""
    for row, rows, column, columns in passes:
        for line in pixels[row::rows, column::columns].astype(">u2"):
            lines += b"\0" + line.tobytes()
    plain = png16.png16(pixels)
    header = bytearray(plain[16:29])
    header[12] = 1
    path = tmp_path / "a.png"
    chunks = [(b"IHDR", bytes(header)), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    path.write_bytes(plain[:8] + b"".join(png16._chunk(*chunk) for chunk in chunks))
    np.testing.assert_array_equal(read_exact(path).color, pixels)


def test_colour_key_becomes_alpha(tmp_path):
    pixels = noise(6, 5, 3, dtype="uint16")
    pixels[2, 3] = key = [1, 2, 65535]
    body = np.array(key, ">u2").tobytes()
    (tmp_path / "a.png").write_bytes(png16.png16(pixels, [(b"tRNS", body)]))
    image = read_exact(tmp_path / "a.png")
    assert image.alpha[2, 3] == 0 and (image.alpha == 0).sum() == 1
    Image.fromarray(noise(4, 4)).save(tmp_path / "b.png", transparency=7)
    image = read_exact(tmp_path / "b.png")
    np.testing.assert_array_equal(image.alpha == 0, image.color == 7)
    Image.fromarray(noise(4, 4, dtype="uint16")).save(tmp_path / "c.png")
    assert read_exact(tmp_path / "c.png").color.dtype == np.uint16


def test_profile_and_orientation_are_copied_and_not_applied(mae, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "in" / "a.jpg", noise(20, 30, 3), exif=exif, icc_profile=b"profile")
    run(mae, tmp_path)
    copy = Image.open(tmp_path / "out" / "a.jpg.mra1.png")
    assert copy.size == (30, 20) and copy.getexif()[0x0112] == 6
    assert copy.info["icc_profile"] == b"profile"


def test_gray_stays_gray_and_color_meets_a_gray_mae(gray_mae, tmp_path):
    pixels = noise(32, 16, 3)
    save(tmp_path / "in" / "a.png", pixels)
    run(gray_mae, tmp_path, batch_size=2)
    after = np.asarray(Image.open(tmp_path / "out" / "a.png.mra1.png"))
    painted = [changed_patches(pixels[..., c], after[..., c], (4, 2)) for c in range(3)]
    assert painted[0].sum() == 3  # round(0.4 * 8), the same patches in each colour
    assert (painted[0] == painted[1]).all() and (painted[0] == painted[2]).all()


def test_four_channel_mae_sees_alpha(tmp_path):
    mae = keras_mra.MAE(image_shape=(16, 16, 4), **TINY)
    save(tmp_path / "in" / "a.png", pixels := noise(20, 30, 4))
    save(tmp_path / "in" / "b.png", noise(20, 30))
    assert run(mae, tmp_path).failed == []
    after = np.asarray(Image.open(tmp_path / "out" / "a.png.mra1.png"))
    np.testing.assert_array_equal(after[..., 3], pixels[..., 3])


# --- names and trees ----------------------------------------------------------------


def test_tree_is_mirrored_without_collisions(mae, tmp_path):
    names = ["a.png", "a.jpg", "A.PNG", "x/y/a.png", "x/a.webp", "ünï cödé.png"]
    for name in names:
        save(tmp_path / "in" / name, noise(8, 8, 3))
    report = run(mae, tmp_path, copies=2, batch_size=5)
    expected = sorted(f"{name}.mra{i}.png" for name in names for i in (1, 2))
    assert sorted(tree(tmp_path / "out")) == expected and report.written == 12


def test_source_is_not_touched(mae, tmp_path):
    save(tmp_path / "in" / "a.png", noise(8, 8, 3))
    before = tree(tmp_path / "in")
    run(mae, tmp_path)
    assert tree(tmp_path / "in") == before


# --- repeatable, interruptible ----------------------------------------------------


def test_copies_depend_on_seed_path_and_number_alone(mae, tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / "in" / name, np.full((16, 16, 3), 90, "uint8"))
    run(mae, tmp_path, copies=2)
    first = tree(tmp_path / "out")
    assert len(set(first.values())) > 3  # Equal images, yet other masks.
    augment_folder(
        mae, tmp_path / "in", tmp_path / "one", copies=2, batch_size=1, progress=False
    )
    for name, data in first.items():
        one, other = (
            np.asarray(Image.open(io.BytesIO(d)), "int16")
            for d in (data, (tmp_path / "one" / name).read_bytes())
        )
        assert np.abs(one - other).max() <= 1
    augment_folder(
        mae,
        tmp_path / "in",
        tmp_path / "two",
        copies=2,
        seed=1,
        batch_size=4,
        progress=False,
    )
    assert tree(tmp_path / "two") != first


def test_a_killed_run_goes_on_where_it_stopped(mae, tmp_path, monkeypatch):
    for i in range(5):
        save(tmp_path / "in" / "d" / f"{i}.png", noise(16, 16, 3))
    run(mae, tmp_path, copies=2)
    uninterrupted = tree(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "whole")

    replace, calls = os.replace, []

    def killed(source, target):
        calls.append(target)
        if len(calls) == 4:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        run(mae, tmp_path, copies=2)
    monkeypatch.setattr(os, "replace", replace)
    finished = tree(tmp_path / "out")
    assert len(finished) == 3 and finished.items() <= uninterrupted.items()
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.png")}
    # A power cut leaves what an exception would have removed.
    (tmp_path / "out" / "d" / f".0{module._UNFINISHED}").write_bytes(b"half")
    report = run(mae, tmp_path, copies=2)
    assert (report.written, report.skipped) == (7, 3)
    assert tree(tmp_path / "out") == uninterrupted
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    again = run(mae, tmp_path, copies=2)
    assert (again.written, again.skipped) == (0, 10)


def test_more_copies_are_added_to_those_there(mae, tmp_path):
    save(tmp_path / "in" / "a.png", noise(16, 16, 3))
    run(mae, tmp_path)
    report = run(mae, tmp_path, copies=3)
    assert (report.written, report.skipped) == (2, 1)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_full_disk_stops_with_the_name_and_nothing_half_written(
    mae, tmp_path, monkeypatch, code
):
    for i in range(3):
        save(tmp_path / "in" / f"{i}.png", noise(16, 16, 3))
    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="1.png.mra1.png") as caught:
        run(mae, tmp_path)
    assert caught.value.errno == code
    assert ("disk is full" in str(caught.value)) == (code == errno.ENOSPC)
    assert list(tree(tmp_path / "out")) == ["0.png.mra1.png"]


def test_name_too_long_is_that_files_failure(mae, tmp_path):
    save(tmp_path / "in" / ("a" * 250 + ".png"), noise(16, 16, 3))
    save(tmp_path / "in" / "b.png", noise(16, 16, 3))
    report = run(mae, tmp_path)
    assert report.written == 1 and len(report.failed) == 1
    assert list(tree(tmp_path / "out")) == ["b.png.mra1.png"]


# --- bad input ----------------------------------------------------------------------


def test_broken_files_are_reported_and_do_not_stop_the_run(mae, tmp_path, monkeypatch):
    source = tmp_path / "in"
    save(source / "good.png", noise(16, 16, 3))
    (source / "empty.png").write_bytes(b"")
    (source / "text.jpg").write_bytes(b"no image")
    cut = save(source / "cut.png", noise(64, 64, 3))
    cut.write_bytes(cut.read_bytes()[:2000])
    deep = png16.png16(noise(40, 40, 3, dtype="uint16"))
    (source / "deep.png").write_bytes(deep[:3000])
    flipped = bytearray(deep)
    flipped[500] ^= 1
    (source / "flipped.png").write_bytes(flipped)
    Image.fromarray(np.zeros((4, 4), "float32")).save(source / "float.tif")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    save(source / "bomb.png", np.zeros((120, 120), "uint8"))
    save(source / "huge.png", np.zeros((300, 300), "uint8"))
    with pytest.warns(Image.DecompressionBombWarning):
        report = run(mae, tmp_path, copies=2)
    assert report.written == 2
    failed = {path.name: reason for path, reason in report.failed}
    broken = {path.name for path in source.iterdir()} - {"good.png"}
    assert set(failed) == broken and len(report.failed) == len(broken) == 8
    assert all(failed.values()) and "120x120" in failed["bomb.png"]
    assert sorted(tree(tmp_path / "out")) == ["good.png.mra1.png", "good.png.mra2.png"]


def test_folders_are_checked(mae, tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        run(mae, tmp_path)
    (tmp_path / "in").mkdir()
    with pytest.raises(ValueError, match="holds no image"):
        run(mae, tmp_path)
    save(tmp_path / "in" / "a.png", noise(8, 8, 3))
    for target in ("in", "in/out", ".", "in/../in"):
        with pytest.raises(ValueError, match="outside `source`"):
            augment_folder(mae, tmp_path / "in", tmp_path / target, progress=False)
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="is a file"):
        run(mae, tmp_path)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"copies": 0}, "copies=0"),
        ({"copies": 2, "temperature": 0}, "copies of an image would be equal"),
        ({"mask_ratio": 1.0}, "mask_ratio"),
        ({"mask_ratio": 0.01}, "mask_ratio"),
        ({"strategy": "best"}, "strategy"),
        ({"temperature": -1}, "temperature"),
        ({"batch_size": 0}, "batch_size"),
        ({"seed": -1}, "seed"),
        ({"seed": None}, "seed"),
        ({"mae": "mae"}, "keras_mra.MAE"),
    ],
)
def test_arguments_are_checked_before_any_work(mae, tmp_path, kwargs, message):
    save(tmp_path / "in" / "a.png", noise(8, 8, 3))
    with pytest.raises(ValueError, match=message):
        run(kwargs.pop("mae", mae), tmp_path, **kwargs)
    assert not (tmp_path / "out").exists()


def test_two_channel_mae_is_refused(tmp_path):
    mae = keras_mra.MAE(image_shape=(16, 16, 2), **TINY)
    with pytest.raises(ValueError, match="1, 3 or 4 channels"):
        run(mae, tmp_path)


def test_equal_copies_are_allowed_when_chosen_at_random(mae, tmp_path):
    save(tmp_path / "in" / "a.png", noise(16, 16, 3))
    assert run(mae, tmp_path, copies=2, temperature=0, strategy="random").written == 2


def test_originals_are_held_by_the_batch(mae, tmp_path, monkeypatch):
    for i in range(7):
        save(tmp_path / "in" / f"{i}.png", noise(16, 16, 3))
    groups, groups_of = [], module._groups

    def noted(jobs, batch_size):
        for group in groups_of(jobs, batch_size):
            groups.append(len(group))
            yield group

    monkeypatch.setattr(module, "_groups", noted)
    run(mae, tmp_path)
    assert groups == [4, 3]
    monkeypatch.setattr(module, "_PIXELS_AT_ONCE", 16 * 16 * 3 * 2)
    groups.clear()
    augment_folder(mae, tmp_path / "in", tmp_path / "b", batch_size=4, progress=False)
    assert groups == [2, 2, 2, 1]


def test_progress_bar(mae, tmp_path, capsys):
    save(tmp_path / "in" / "a.png", noise(16, 16, 3))
    run(mae, tmp_path, progress=True, copies=2)
    assert "2/2" in capsys.readouterr().out


def test_paths_may_be_strings_and_relative(mae, tmp_path, monkeypatch):
    save(tmp_path / "in" / "a.png", noise(16, 16, 3))
    monkeypatch.chdir(tmp_path)
    assert augment_folder(mae, "in", "out", progress=False).written == 1
    assert pathlib.Path("out/a.png.mra1.png").exists()
