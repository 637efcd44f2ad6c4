"""The files of a folder tree that lack copies, read in groups."""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

from keras_mra.augment.augment_report import AugmentReport
from keras_mra.datasets.exact_image import ExactImage
from keras_mra.datasets.image_reader import read_exact

# A group ends when its images reach this number of values, or the batch size.
VALUES_AT_ONCE = 2**26


@dataclasses.dataclass(frozen=True)
class Original:
    """A file that lacks copies.

    Attributes:
        path: Path of the file.
        key: Bytes, the path of the file below the source.
        image: Pixels and metadata of the file.
        outputs: Dict from the number of each copy that is missing to its path.
    """

    path: pathlib.Path
    key: bytes
    image: ExactImage
    outputs: dict[int, pathlib.Path]


def read_originals(
    source: pathlib.Path,
    target: pathlib.Path,
    paths: list[pathlib.Path],
    copies: int,
    report: AugmentReport,
    advance: Callable[[int], object],
) -> Iterator[Original]:
    """Reads the files that lack copies.

    Args:
        source: Folder of the files.
        target: Folder of the copies.
        paths: Paths of the files below `source`.
        copies: Int, copies of each file.
        report: Receives the copies that exist and the files that cannot be read.
        advance: Function that is called with the number of such copies.

    Yields:
        An `Original` for each other file.
    """
    for path in paths:
        relative = path.relative_to(source)
        outputs = {
            number: target / relative.parent / f"{relative.name}.mra{number}.png"
            for number in range(1, copies + 1)
        }
        missing = {n: output for n, output in outputs.items() if not _exists(output)}
        report.skipped += copies - len(missing)
        advance(copies - len(missing))
        if not missing:
            continue
        try:
            image = read_exact(path)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise errors of many types.
            report.failed.append((path, f"{type(error).__name__}: {error}"))
            advance(len(missing))
            continue
        yield Original(path, os.fsencode(relative.as_posix()), image, missing)


def grouped(files: Iterable[Original], batch_size: int) -> Iterator[list[Original]]:
    """Collects originals into lists that fit a batch and the memory."""
    group: list[Original] = []
    values = 0
    for original in files:
        group.append(original)
        values += original.image.color.size
        if len(group) == batch_size or values >= VALUES_AT_ONCE:
            yield group
            group, values = [], 0
    if group:
        yield group


def _exists(path: pathlib.Path) -> bool:
    try:
        return path.exists()
    except OSError:  # The name is too long. Writing the file reports it.
        return False
