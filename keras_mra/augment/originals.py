"""The files of which something is missing in the target, read in groups."""

import dataclasses
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import IO

from keras_mra import engines
from keras_mra import files
from keras_mra.augment.augment_report import AugmentReport
from keras_mra.augment.copy_names import CopyNames
from keras_mra.augment.find_missing import Missing
from keras_mra.datasets.exact_image import ExactImage
from keras_mra.datasets.image_reader import read_exact
from keras_mra.datasets.picture_file import most_bytes
from keras_mra.typing import Path

# A group ends when its images reach this number of values, or the batch size.
VALUES_AT_ONCE = 2**26


@dataclasses.dataclass(frozen=True)
class Original:
    """A file of which something is missing in the target.

    Attributes:
        path: Path of the file.
        key: Bytes, the path of the file below the source.
        image: Pixels and metadata of the file.
        outputs: Dict from the number of each copy that is missing to its path.
        included: Bool, whether the file itself is to be put into the target.
    """

    path: files.Place
    key: bytes
    image: ExactImage
    outputs: dict[int, files.Place]
    included: bool


def read_originals(
    names: CopyNames,
    missing: Iterable[Missing],
    max_megapixels: float,
    report: AugmentReport,
    advance: Callable[[int], object],
) -> Iterator[Original]:
    """Reads the files of which something is missing in the target.

    Those of a store are fetched ahead.

    Args:
        names: `CopyNames`.
        missing: What is missing of each file.
        max_megapixels: Float, the largest pictures that are read, in millions of
            pixels.
        report: Receives the animated files and those that cannot be read.
        advance: Function that is called with the number of copies of the latter.

    Yields:
        An `Original` for each other file.

    Raises:
        OSError: If the store of the files does not answer.
    """

    def source(each: Missing) -> Path | IO[bytes]:
        if isinstance(each.path, files.RemotePath):
            return files.opened(each.path, most_bytes(max_megapixels))
        return each.path

    for (path, numbers, included), found in engines.ahead(
        source, missing, files.AT_ONCE
    ):
        try:
            image = read_exact(found.result(), max_megapixels)
        except (MemoryError, files.StoreFailed):
            raise
        except Exception as error:  # Pillow's decoders raise errors of many types.
            report.failed.append((path, f"{type(error).__name__}: {error}"))
            advance(len(numbers))
            continue
        if image.animated:
            report.animated.append(path)
        outputs = {number: names.copy(path, number) for number in numbers}
        yield Original(path, names.key(path), image, outputs, included)


def grouped(originals: Iterable[Original], batch_size: int) -> Iterator[list[Original]]:
    """Collects originals into lists that fit a batch and the memory."""
    group: list[Original] = []
    values = 0
    for original in originals:
        group.append(original)
        values += original.image.color.size
        if len(group) == batch_size or values >= VALUES_AT_ONCE:
            yield group
            group, values = [], 0
    if group:
        yield group
