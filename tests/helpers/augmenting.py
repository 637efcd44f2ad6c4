"""Folders of images, their copies, and what differs between the two."""

import numpy as np
from PIL import Image

import keras_mra
from keras_mra.augment.settings import RECORD


def write(path, pixels, **kwargs):
    """Writes an array as an image file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **kwargs)
    return path


def augment(mae, tmp_path, target="out", **kwargs):
    """Augments the folder `in` into another one."""
    kwargs = {"batch_size": 4, "progress": False, **kwargs}
    return keras_mra.augment_folder(mae, tmp_path / "in", tmp_path / target, **kwargs)


def tree(folder):
    """The contents of all files of a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def copies_in(folder):
    """The contents of all files but the record of the settings, by path."""
    found = tree(folder)
    del found[RECORD]
    return found


def changed_patches(before, after, grid):
    """Which cells of a grid hold a changed pixel; (rows, columns) bool."""
    height, width = before.shape[:2]
    changed = np.zeros(grid, bool)
    different = (before != after).reshape(height, width, -1).any(-1)
    for y, x in np.argwhere(different):
        row = int((y + 0.5) * grid[0] / height)
        changed[row, int((x + 0.5) * grid[1] / width)] = True
    return changed
