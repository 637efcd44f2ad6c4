"""The names of copies."""

import dataclasses
import os

from keras_mra import files
from keras_mra.augment.copies import Copies
from keras_mra.augment.copy_format import CopyFormat


@dataclasses.dataclass(frozen=True)
class CopyNames:
    """The paths below the target of what is made of a file.

    Attributes:
        source: Path of the folder of the originals.
        copies: `Copies`, the target.
        format: `CopyFormat`.
    """

    source: files.Place
    copies: Copies
    format: CopyFormat

    def copy(self, path: files.Place, number: int) -> files.Place:
        """The path of a copy; number 0 is the original, turned upright."""
        ending = self.format.suffix(path)
        original = self.original(path)
        return original.with_name(f"{original.name}.mra{number}{ending}")

    def original(self, path: files.Place) -> files.Place:
        """The path of the original, as it is."""
        return self.copies.folder / path.relative_to(self.source)

    def key(self, path: files.Place) -> bytes:
        """The path of a file below the source, as bytes that are the same anywhere."""
        return os.fsencode(path.relative_to(self.source).as_posix())
