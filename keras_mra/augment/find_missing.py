"""What the target lacks, of each file of the source."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

from keras_mra import files
from keras_mra.augment.augment_report import AugmentReport
from keras_mra.augment.copy_names import CopyNames
from keras_mra.augment.included_originals import lacks_original


class Missing(NamedTuple):
    """What the target lacks of a file.

    Attributes:
        path: Path of the file.
        numbers: Tuple of ints, the copies that are missing.
        original: Bool, whether the file itself is missing and belongs there.
    """

    path: files.Place
    numbers: tuple[int, ...]
    original: bool

    def __str__(self) -> str:
        return str(self.path)


def find_missing(
    names: CopyNames,
    paths: Sequence[files.Place],
    copies: int,
    include_originals: bool,
    report: AugmentReport,
    advance: Callable[[int], object],
) -> Iterator[Missing]:
    """Finds the files of which something is missing in the target.

    Args:
        names: `CopyNames`.
        paths: Paths of the files below the source.
        copies: Int, copies of each file.
        include_originals: Bool, whether the files themselves belong into the target.
        report: Receives the number of copies that exist.
        advance: Function that is called with this number.

    Yields:
        A `Missing` for each such file.
    """
    for path in paths:
        numbers = tuple(
            number
            for number in range(1, copies + 1)
            if not names.copies.exists(names.copy(path, number))
        )
        report.skipped += copies - len(numbers)
        advance(copies - len(numbers))
        original = include_originals and lacks_original(names, path)
        if numbers or original:
            yield Missing(path, numbers, original)
