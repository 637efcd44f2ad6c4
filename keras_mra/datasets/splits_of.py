"""`splits_of`: the training and test images of a folder tree."""

import pathlib

# What is judged on, by the name of its folder.
SPLITS = ("test", "val", "valid", "validation")


def splits_of(root: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path | None]:
    """Returns the folders of a folder's training and test images.

    Args:
        root: Path of a folder.

    Returns:
        The sub-folders `train` and the first of `SPLITS` that exists. Without both,
        `root` and `None`.
    """
    train = root / "train"
    for name in SPLITS:
        if train.is_dir() and (root / name).is_dir():
            return train, root / name
    return root, None
