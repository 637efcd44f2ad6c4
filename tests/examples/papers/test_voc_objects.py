"""Objects of VOC's photographs: where the squares lie, and the masks beside them."""

import runpy

import numpy as np
import pytest
from helpers.running_examples import EXAMPLES

Image = pytest.importorskip("PIL.Image")
NAMES = runpy.run_path(str(EXAMPLES / "papers/voc_objects.py"))
CAT, DOG, PERSON = (NAMES["CLASSES"].index(name) for name in ("cat", "dog", "person"))


def voc(folder, count=6):
    """Writes photographs whose objects are white, and their masks."""
    rng = np.random.default_rng(0)
    for part in ("photographs", "masks"):
        (folder / part).mkdir()
    for number in range(2 * count):
        mask = np.zeros((90, 120), "uint8")
        top, left = rng.integers(5, 50), rng.integers(5, 80)
        mask[top : top + 20, left : left + 30] = (CAT, DOG)[number % 2]
        write(folder, f"{number}", mask)
    mask[:5, :5] = PERSON  # is background
    mask[-5:, -5:] = 255  # is uncertain
    write(folder, "person", mask)
    mask[:5, :5] = CAT
    write(folder, "both", mask)
    write(folder, "none", np.zeros((90, 120), "uint8"))
    Image.new("L", (120, 90), CAT).save(folder / "masks/without_photograph.png")
    (folder / "photographs/0.txt").write_text("no image")


def write(folder, name, mask):
    photograph = np.uint8(255) * np.isin(mask, (CAT, DOG))
    Image.fromarray(photograph).save(folder / f"photographs/{name}.png")
    Image.fromarray(mask).save(folder / f"masks/{name}.png")


def main(folder, *options):
    folders = [str(folder / name) for name in ("photographs", "masks", "out")]
    NAMES["main"]([*folders, "--classes", "cat", "dog", "--side", "60", *options])


def test_photographs_of_one_class_are_split_by_class(tmp_path):
    voc(tmp_path)
    main(tmp_path, "--test", "2")
    found = {
        (part, name): {path.stem for path in (tmp_path / "out" / part / name).iterdir()}
        for part in ("images/train", "images/test", "masks")
        for name in ("cat", "dog")
    }
    for name, first, more in (("cat", 0, set()), ("dog", 1, {"person"})):
        train, test = found["images/train", name], found["images/test", name]
        assert len(test) == 2 and not train & test
        assert train | test == {str(number) for number in range(first, 12, 2)} | more
        assert found["masks", name] == test
    found = sorted((tmp_path / "out").rglob("*"))
    with pytest.raises(SystemExit):  # A second draw would mix training and test.
        main(tmp_path, "--test", "2", "--seed", "1")
    assert sorted((tmp_path / "out").rglob("*")) == found


@pytest.mark.parametrize(
    "options, message",
    [
        (["--test", "6"], "cat has 6 photographs"),
        (["--test", "0"], "--test must be positive"),
        (["--context", "nan"], "--context must be positive"),
        (["--classes", "cow"], "cow has 0 photographs"),
    ],
)
def test_bad_options_write_nothing(tmp_path, capsys, options, message):
    voc(tmp_path)
    with pytest.raises(SystemExit):
        main(tmp_path, *options)
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bad_files_write_nothing(tmp_path, capsys):
    voc(tmp_path)
    Image.new("L", (60, 45)).save(tmp_path / "photographs/0.png")
    with pytest.raises(SystemExit):
        main(tmp_path, "--test", "2")
    assert "It has mode L and (120, 90)" in capsys.readouterr().err
    Image.new("L", (120, 90)).save(tmp_path / "photographs/0.jpg")
    with pytest.raises(SystemExit):
        main(tmp_path, "--test", "2")
    assert "have the same mask" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("position", ["any", "corner"])
def test_the_mask_is_cut_as_its_photograph(tmp_path, position):
    voc(tmp_path)
    main(tmp_path, "--test", "4", "--position", position)
    for path in (tmp_path / "out/masks").rglob("*.png"):
        name = path.relative_to(tmp_path / "out/masks")
        image = Image.open(tmp_path / "out/images/test" / name).convert("L")
        image, mask = np.asarray(image), np.asarray(Image.open(path))
        assert image.shape == mask.shape == (60, 60)
        np.testing.assert_array_equal(image > 127, mask > 127)
        if position == "any":
            # A square of 60 pixels, of the photograph's, holds the object.
            assert (mask > 127).sum() == 20 * 30


def test_squares_lie_at_random_or_push_the_object_into_a_corner():
    rng = np.random.default_rng(0)
    inside = np.zeros((300, 400), bool)
    inside[140:160, 190:210] = True
    square = NAMES["square"]

    boxes = np.array([square(inside, 2, "any", rng) for _ in range(300)])
    left, top, right, bottom = boxes.T
    assert (right - left == 40).all() and (bottom - top == 40).all()
    assert (left.min(), left.max()) == (170, 190)
    assert (top.min(), top.max()) == (120, 140)

    boxes = np.array([square(inside, 2, "corner", rng) for _ in range(100)])
    centers = (200 - boxes[:, 0]) / 40, (150 - boxes[:, 1]) / 40
    assert {(x, y) for x, y in zip(*centers)} == {
        (x, y) for x in (0.25, 0.75) for y in (0.25, 0.75)
    }

    # At the border, only one side is free; a large object is cut.
    inside[:, :20] = True
    for _ in range(20):
        left, top, right, bottom = square(inside, 2, "any", rng)
        assert (top, bottom, right - left) == (0, 300, 300)
        assert 0 <= left <= 20
        # A square of 20 pixels can only move to the right.
        assert square(inside[:20, :30], 2, "corner", rng) == (5, 0, 25, 20)
