"""Paths that no file or folder can have are refused before anything is touched."""

import pathlib

import pytest

import keras_mra
from keras_mra import checks
from keras_mra.pretrain.recipe import Recipe

pytestmark = pytest.mark.once
LONG = "n" * 256
NO_PATHS = ["", "a\0b", LONG, f"a/{LONG}/b", "/a" * 3000, "~no-such-user/x", 3, b"x"]


@pytest.mark.parametrize("value", NO_PATHS)
def test_no_path(value):
    with pytest.raises(
        ValueError, match="`out` must be the path of a .*Received: out="
    ):
        checks.path("out", value)


def test_a_link_that_leads_to_itself(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for place in (tmp_path / "loop", tmp_path / "loop" / "a" / "b"):
        with pytest.raises(ValueError, match="`out` must be .*leads to itself"):
            checks.path("out", place)
        with pytest.raises(ValueError, match="`checkpoint` must be .*leads to itself"):
            Recipe(1, 1.0, checkpoint=place)


@pytest.mark.parametrize("value", ["a", "a/b.png", "n" * 255, pathlib.Path("a")])
def test_path(value):
    assert checks.path("out", value) == pathlib.Path(value)


def test_the_home_folder():
    assert checks.path("out", "~/x") == pathlib.Path.home() / "x"


@pytest.mark.parametrize("name", ["checkpoint", "tensorboard"])
@pytest.mark.parametrize("value", NO_PATHS)
def test_folders_of_a_training(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be the path of a folder or"):
        Recipe(1, 1.0, **{name: value})


@pytest.mark.parametrize("name", ["checkpoint", "tensorboard"])
def test_a_file_is_no_folder(name, tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "a" / "b"):
        with pytest.raises(ValueError, match=f"`{name}` must be .*, but .* is a file"):
            Recipe(1, 1.0, **{name: path})
    Recipe(1, 1.0, **{name: tmp_path / "a" / "b"})


@pytest.mark.parametrize("value", ["~no-such-user/x", LONG, "a\0b"])
def test_names_of_data(value):
    with pytest.raises(ValueError, match="`folder:PATH` must be the path of a folder"):
        keras_mra.datasets.load(f"folder:{value}")


@pytest.mark.parametrize("value", ["~no-such-user/x", LONG, "a\0b"])
def test_names_of_presets(value):
    with pytest.raises(ValueError, match="`preset` must be the path of a file or"):
        keras_mra.MAE.from_preset(value)
