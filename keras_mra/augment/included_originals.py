"""Originals beside their copies, so that the target is a training set."""

import functools
from collections.abc import Callable
from collections.abc import Sequence

from keras_mra import files
from keras_mra.augment.copy_names import CopyNames
from keras_mra.datasets.exact_image import ExactImage


def check_collisions(
    names: CopyNames, paths: Sequence[files.Place], copies: int
) -> None:
    """Refuses a source where the copy of one file has the name of another file.

    Args:
        names: `CopyNames`.
        paths: Paths of the files below the source.
        copies: Int, copies of each file.

    Raises:
        ValueError: If there are two such files.
    """
    originals = set(paths)
    for path in paths:
        for number in range(copies + 1):
            name = names.copy(path, number).name
            if path.with_name(name) in originals:
                raise ValueError(
                    "`include_originals` must be False where a copy would have the "
                    "name of another original. Received: include_originals=True, and "
                    f"a source with {str(path)!r} and {name!r}"
                )


def lacks_original(names: CopyNames, path: files.Place) -> bool:
    """Whether the target holds an original neither as it is nor turned upright."""
    exists = names.copies.exists
    return not exists(names.original(path)) and not exists(names.copy(path, 0))


def included_as(
    names: CopyNames, path: files.Place, image: ExactImage
) -> tuple[files.Place, Callable[[], bytes]]:
    """What an original becomes in the target.

    A file whose pixels stand upright is copied byte for byte. Any other is encoded
    upright, as a copy is, because few loaders apply the orientation of a file.

    Args:
        names: `CopyNames`.
        path: Path of the file below the source.
        image: `ExactImage` of the file.

    Returns:
        The path to write, and a function that returns the content.
    """
    if image.rotated:
        encode = functools.partial(names.format.encode, image, image.color, path)
        return names.copy(path, 0), encode
    return names.original(path), functools.partial(_content, path)


def _content(path: files.Place) -> bytes:
    with files.opened(path) as file:
        return file.read()
