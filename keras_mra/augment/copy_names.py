"""The names of copies, and the copies that a folder holds."""

import dataclasses
import os
import pathlib
import re

from keras_mra.augment.copy_format import SUFFIXES
from keras_mra.augment.copy_format import CopyFormat

_ENDINGS = "|".join(re.escape(suffix) for suffix in SUFFIXES.values())
_NAME = re.compile(rf".+\.mra\d+({_ENDINGS})")


@dataclasses.dataclass(frozen=True)
class CopyNames:
    """The paths below the target of what is made of a file.

    Attributes:
        source: Folder of the originals.
        target: Folder of the copies.
        format: `CopyFormat`.
    """

    source: pathlib.Path
    target: pathlib.Path
    format: CopyFormat

    def copy(self, path: pathlib.Path, number: int) -> pathlib.Path:
        """The path of a copy; number 0 is the original, turned upright."""
        ending = self.format.suffix(path)
        original = self.original(path)
        return original.with_name(f"{original.name}.mra{number}{ending}")

    def original(self, path: pathlib.Path) -> pathlib.Path:
        """The path of the original, as it is."""
        return self.target / path.relative_to(self.source)

    def key(self, path: pathlib.Path) -> bytes:
        """The path of a file below the source, as bytes that are the same anywhere."""
        return os.fsencode(path.relative_to(self.source).as_posix())


def find_copy(folder: pathlib.Path) -> pathlib.Path | None:
    """A file in a folder tree that is named as a copy, or `None`."""
    for path in folder.rglob("*.mra*"):
        if _NAME.fullmatch(path.name) and path.is_file():
            return path
    return None


def exists(path: pathlib.Path) -> bool:
    """Whether a file exists; `False` if its name is too long to exist."""
    try:
        return path.is_file()
    except OSError:  # Writing the file reports it.
        return False
