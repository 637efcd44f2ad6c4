"""Masks of the objects of test images: attended, central, smooth and drawn."""

import argparse
import types

import numpy as np
import pytest
from study import object_masks

SIZE = (32, 32)


def options(**changed):
    named = {**object_masks.SETTINGS, "data": "digits", "judged_on": ""}
    return argparse.Namespace(**{**named, "validation": False, **changed})


def test_central_patches_have_the_highest_scores():
    scores = object_masks.central((4, 6))(np.zeros((2, 8, 12, 3)))
    assert scores.shape == (2, 24) and (scores >= 0).all()
    grid = scores[0].reshape(4, 6)
    np.testing.assert_allclose(grid, grid[::-1, ::-1])
    # The four patches in the middle come before all others.
    assert grid[1:3, 2:4].min() > np.delete(grid, [8, 9, 14, 15]).max()


def test_smooth_masks_do_not_follow_the_patches():
    images = np.zeros((2, *SIZE, 3), "float32")
    masks = object_masks.smooth_masks(
        object_masks.central((8, 8)), (8, 8), images, share=0.4
    )
    assert masks.shape == (2, *SIZE) and masks[0].mean() == pytest.approx(0.4, 0.01)
    # A disc of this area has a radius of 11.4 pixels.
    away = np.hypot(*np.mgrid[-15.5:16, -15.5:16])  # from the centre
    assert masks[0][away < 10.5].all() and not masks[0][away > 12.5].any()


@pytest.mark.parametrize("smooth", [False, True])
def test_the_options_choose_the_masks(smooth):
    study = types.SimpleNamespace(
        args=options(objects="central", object_share=0.25, smooth=smooth),
        mae=types.SimpleNamespace(grid=(4, 4)),
    )
    (mask,) = object_masks.object_masks(study, None, np.zeros((1, *SIZE, 3)))
    square = np.zeros(SIZE, bool)
    square[8:24, 8:24] = True
    assert mask.mean() == pytest.approx(0.25, 0.02)
    assert (mask == square).all() != smooth


@pytest.fixture
def folders(tmp_path):
    """Test images, their masks, and `Splits` of a folder that holds them."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 8, 8, 3), "uint8")
    masks = rng.random((6, 8, 8)) < 0.5
    for number, (pixels, mask) in enumerate(zip(images, masks)):
        for root, found in (("test/a", pixels), ("masks/a", mask * np.uint8(255))):
            path = tmp_path / root / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image.fromarray(found).save(path)
    (tmp_path / "train").mkdir()
    data = types.SimpleNamespace(name=f"folder:{tmp_path}", image_shape=(8, 8, 3))
    return images, masks, data, tmp_path / "masks"


def test_drawn_masks_are_those_of_their_images(folders):
    images, masks, data, folder = folders
    # A part in another order.
    found = object_masks.drawn(data, images[::-2], folder)
    np.testing.assert_array_equal(found, masks[::-2])


def test_drawn_masks_must_be_there_and_agree(folders):
    images, _, data, folder = folders
    with pytest.raises(ValueError, match="without masks of 2 of 6 images"):
        others = np.concatenate([images[:2] // 2, images[2:]])
        object_masks.drawn(data, others, folder)
    image = pytest.importorskip("PIL.Image")
    image.fromarray(images[0]).save(folder.parent / "test/a/1.png")
    with pytest.raises(ValueError, match="two masks of one image"):
        object_masks.drawn(data, images[2:], folder)


@pytest.mark.parametrize(
    "changed, message",
    [
        (dict(objects="mine"), "objects"),
        (dict(object_share=1.5), "object_share"),
        (dict(objects="drawn"), "only then"),
        (dict(masks="masks"), "only then"),
        (dict(objects="drawn", masks="masks"), "folder:PATH"),
        (dict(objects="drawn", masks="m", data="folder:a", smooth=True), "--smooth"),
        (dict(objects="drawn", masks="m", data="folder:a", validation=True), "--valid"),
    ],
)
def test_combinations_that_cannot_be_meant(changed, message):
    with pytest.raises(ValueError, match=message):
        object_masks.check_options(options(**changed))
    object_masks.check_options(options(data="folder:a", masks="m", objects="drawn"))
    object_masks.check_options(
        options(judged_on="folder:a", masks="m", objects="drawn")
    )
