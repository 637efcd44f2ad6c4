"""A saved preset, for the tests that load it and save over it."""

import pathlib
import shutil

import pytest
from helpers.small_preset import make_mae


@pytest.fixture(scope="module")
def mae():
    return make_mae(mean=0.5, std=(0.1, 0.2, 0.3), value_range=(0, 1), mask_ratio=0.5)


@pytest.fixture(scope="module")
def saved(mae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "mine"
    mae.save_to_preset(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy that a test may damage."""
    return pathlib.Path(shutil.copytree(saved, tmp_path / "mine"))
