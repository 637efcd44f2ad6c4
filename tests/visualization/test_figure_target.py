"""The file of a figure is checked before anything is drawn."""

import pytest

from keras_mra.visualization.figure_target import SUFFIXES
from keras_mra.visualization.figure_target import figure_target
from keras_mra.visualization.new_figure import new_figure

pytestmark = pytest.mark.once


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".PNG"])
def test_every_suffix_is_one_of_matplotlib(suffix, tmp_path):
    pytest.importorskip("matplotlib")
    place = figure_target(tmp_path / f"figure{suffix}", {})
    new_figure(1, 1).savefig(place)
    assert place.stat().st_size


@pytest.mark.parametrize("name", ["a.json", "a.h5", "a.png.txt", "a", ".png", "a.pgf"])
def test_other_suffixes_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match="^`out` must end in .png, .*Received: out="):
        figure_target(tmp_path / name, {})
    assert not any(tmp_path.iterdir())


def test_images_are_not_replaced(tmp_path):
    (tmp_path / "images").mkdir()
    sources = {"data": tmp_path / "images", "masks": None}
    with pytest.raises(ValueError, match="^`out` must be outside of .*`data`"):
        figure_target(tmp_path / "images" / "a.png", sources)
    assert figure_target(str(tmp_path / "a.png"), sources) == tmp_path / "a.png"


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OSError, match="^`out` must be a file that can be written"):
        figure_target(tmp_path / "a.png", {})
