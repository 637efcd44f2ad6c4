"""`PathList`: paths of many files in little memory."""

import array
import bisect
import hashlib
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import overload

import numpy as np
import numpy.typing as npt

from keras_mra import files
from keras_mra.typing import Path


class PathList(Sequence[Any]):
    """A sequence of paths that holds the bytes of their names, one after the other.

    Each path takes its name and 8 bytes, instead of hundreds of bytes as an object.
    Paths of one folder that follow each other share it.

    Args:
        paths: The first paths.
        kind: What the paths are, `pathlib.Path` or `files.RemotePath`.

    Attributes:
        folders: List of strings, the folder of each run of paths of one folder.
    """

    def __init__(
        self, paths: Iterable[Path] = (), kind: type[files.Place] = pathlib.Path
    ) -> None:
        self._kind = kind
        self.folders: list[str] = []
        self._starts = array.array("q")  # the first path of each run
        self._names = bytearray()
        self._ends = array.array("q")  # where each name ends
        for path in map(pathlib.Path, paths):
            self.append(str(path.parent), path.name)

    def append(self, folder: str, name: str) -> None:
        """Adds the path of a file in a folder."""
        if not self.folders or self.folders[-1] != folder:
            self.folders.append(folder)
            self._starts.append(len(self))
        self._names += os.fsencode(name)
        self._ends.append(len(self._names))

    def digest(self) -> str:
        """A string that differs for other paths."""
        found = hashlib.sha256()
        for part in (
            *map(os.fsencode, self.folders),
            self._starts.tobytes(),
            bytes(self._names),
            self._ends.tobytes(),
        ):
            found.update(hashlib.sha256(part).digest())
        return found.hexdigest()

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """The number of paths of each of `folders`, `(folders,)`."""
        return np.diff(np.array([*self._starts, len(self)], "int64"))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: Any) -> Any:
        places = range(len(self))[index]
        if isinstance(places, range):
            return [self[place] for place in places]
        folder = self.folders[bisect.bisect_right(self._starts, places) - 1]
        start = self._ends[places - 1] if places else 0
        name = os.fsdecode(bytes(self._names[start : self._ends[places]]))
        return self._kind(folder, name)
