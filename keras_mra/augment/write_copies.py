"""The work of `augment_folder`, after its arguments are checked."""

import functools
from collections.abc import Callable
from collections.abc import Iterable

from keras_mra import files
from keras_mra.augment.augment_report import AugmentReport
from keras_mra.augment.copies import InvalidName
from keras_mra.augment.copy_names import CopyNames
from keras_mra.augment.find_missing import Missing
from keras_mra.augment.included_originals import included_as
from keras_mra.augment.originals import Original
from keras_mra.augment.originals import grouped
from keras_mra.augment.originals import read_originals
from keras_mra.augment.painter import Painter


def write_copies(
    painter: Painter,
    names: CopyNames,
    missing: Iterable[Missing],
    max_megapixels: float,
    report: AugmentReport,
    advance: Callable[[int], object],
) -> None:
    """Writes what is missing in the target.

    Args:
        painter: `Painter`.
        names: `CopyNames`.
        missing: What is missing of each file.
        max_megapixels: Float, the largest pictures that are read, in millions of
            pixels.
        report: Receives what is written, and what fails.
        advance: Function that is called with the number of copies that are done.

    Raises:
        OSError: If the target cannot be written to, or a store does not answer.
    """
    originals = read_originals(names, missing, max_megapixels, report, advance)
    for group in grouped(originals, painter.batch_size):
        fitting = []
        for original in group:
            fits = _fits(original, names, report)
            if fits:
                fitting.append(original)
            else:
                advance(len(original.outputs))
            # An upright original is copied as it is, even if its copies have no format.
            if original.included and (fits or not original.image.rotated):
                _include(original, names, report)
        for original, number, color in painter.paint(fitting):
            encode = functools.partial(
                names.format.encode, original.image, color, original.path
            )
            output = original.outputs[number]
            done = _write(names, output, encode, original, report)
            report.written += done
            advance(1)
    names.copies.finish()


def _fits(original: Original, names: CopyNames, report: AugmentReport) -> bool:
    """Whether the format of the copies holds the image."""
    try:
        names.format.check(original.image, original.path)
    except ValueError as error:
        report.failed.append((original.path, str(error)))
        return False
    return True


def _include(original: Original, names: CopyNames, report: AugmentReport) -> None:
    output, content = included_as(names, original.path, original.image)
    report.originals += _write(names, output, content, original, report)


def _write(
    names: CopyNames,
    output: files.Place,
    encode: Callable[[], bytes],
    original: Original,
    report: AugmentReport,
) -> bool:
    """Writes a file, or reports what concerns this file alone."""
    try:
        content = encode()
    except (MemoryError, files.StoreFailed):
        raise
    except Exception as error:  # OpenCV is missing, or an encoder fails.
        report.failed.append((original.path, str(error)))
        return False
    try:
        names.copies.write(output, content)
    except InvalidName as error:
        report.failed.append((original.path, str(error)))
        return False
    return True
