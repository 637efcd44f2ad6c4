"""`splits_of`: the training and test images of a folder tree."""

import pathlib


def splits_of(root: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path | None]:
    """Returns the folders of a folder's training and test images.

    Args:
        root: Path of a folder.

    Returns:
        The sub-folders `train` and `test`, or `train` and `val` without a `test`. If
        they do not exist, `root` and `None`.
    """
    train = root / "train"
    for name in ("test", "val"):
        if train.is_dir() and (root / name).is_dir():
            return train, root / name
    return root, None
