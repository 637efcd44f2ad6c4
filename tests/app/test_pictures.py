"""Pictures of attention and of kept patches."""

import numpy as np
import pytest
from helpers.visitor import decoded

from keras_mra.app import pictures

pytestmark = pytest.mark.once


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_url_holds_the_pixels(rng, channels):
    picture = rng.integers(0, 256, (4, 6, channels), "uint8")
    np.testing.assert_array_equal(decoded(pictures.data_url(picture)), picture)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_kept_patches(rng, channels):
    picture = rng.integers(0, 256, (4, 6, channels), "uint8")
    kept = pictures.kept_picture(picture, [1, 2], (2, 2))
    expected = np.zeros((4, 6), "uint8")
    expected[:2, 3:] = expected[2:, :3] = 1
    opacity = picture[..., 3] if channels == 4 else 255
    np.testing.assert_array_equal(kept[..., 3], expected * opacity)
    np.testing.assert_array_equal(kept[..., :3], pictures.in_color(picture)[..., :3])


def test_heat_spans_the_scores():
    black = np.zeros((4, 6, 3), "uint8")
    heat = pictures.heat_picture(black, [0.1, 0.2, 0.3, 0.5], (2, 2))
    corners = heat[[0, 0, 3, 3], [0, 5, 0, 5]]
    share = 1 - pictures.GRAY_SHARE
    for corner, place in ((0, 0), (2, 2), (3, 4)):
        expected = np.rint(share * np.array(pictures.HEAT[place]))
        np.testing.assert_array_equal(corners[corner], expected)
    white = pictures.heat_picture(black + 255, [0.1, 0.2, 0.3, 0.5], (2, 2))
    assert (white > heat).all()


def test_equal_scores():
    heat = pictures.heat_picture(np.zeros((4, 4, 1), "uint8"), np.ones(4), (2, 2))
    assert (heat == heat[0, 0]).all()


def test_the_scale_of_the_page_has_the_same_colours():
    style = pictures.__file__.replace("pictures.py", "static/app.css")
    with open(style, encoding="utf-8") as file:
        page = file.read()
    colors = ("#" + bytes(color).hex() for color in pictures.HEAT)
    assert ", ".join(colors) in page
