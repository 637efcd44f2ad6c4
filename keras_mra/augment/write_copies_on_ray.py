"""`write_copies_on_ray`: the work of `augment_folder`, on the machines of a cluster."""

import contextlib
import functools
from collections.abc import Callable
from collections.abc import Iterable
from typing import TypeAlias

from keras_mra import engines
from keras_mra import files
from keras_mra.augment.augment_report import AugmentReport
from keras_mra.augment.copy_names import CopyNames
from keras_mra.augment.find_missing import Missing
from keras_mra.augment.painter import Painter
from keras_mra.augment.write_copies import write_copies
from keras_mra.models import MAE

Painting: TypeAlias = tuple[MAE, float, str, float, int, int]


def write_copies_on_ray(
    painting: Painting,
    names: CopyNames,
    missing: Iterable[Missing],
    max_megapixels: float,
    report: AugmentReport,
    advance: Callable[[int], object],
    workers: int | None,
) -> None:
    """Does what `write_copies` does, in workers that hold a `Painter` each.

    What is missing is decided here and once. A chunk that is repeated, because its
    worker died, is written over with the same bytes and counted once.

    Args:
        painting: Tuple of the arguments of `Painter`.
        names: `CopyNames`, whose target this process holds.
        missing: As in `write_copies`.
        max_megapixels: As in `write_copies`.
        report: As in `write_copies`.
        advance: As in `write_copies`; it is called after each chunk.
        workers: As in `keras_mra.engines.map_on_ray`.

    Raises:
        OSError: If the target cannot be written to, a machine does not see the
            folders, or workers die at the same files again and again.
    """
    *_, batch_size = painting
    mark = names.copies.mark()
    make = functools.partial(_make_writer, painting, names, max_megapixels, mark)
    chunks = list(engines.chunked(missing, batch_size))
    # Closed, so that no worker writes after an error or Ctrl+C.
    with contextlib.closing(engines.map_on_ray(make, chunks, workers)) as parts:
        for chunk, part in zip(chunks, parts, strict=True):
            report.add(part)
            advance(sum(len(each.numbers) for each in chunk))
    # What workers that were killed have left.
    names.copies.remove_leftovers()


def _make_writer(
    painting: Painting, names: CopyNames, max_megapixels: float, mark: bytes
) -> Callable[[list[Missing]], AugmentReport]:
    """Makes the function of a chunk, in a worker."""
    # The folders exist, and are the same ones, not others with the same names.
    copies, source = names.copies, names.source
    engines.check_shared("target", copies.folder, lambda: copies.mark() == mark)
    engines.check_shared("source", source, lambda: files.is_folder(source))
    painter = Painter(*painting)

    def write(chunk: list[Missing]) -> AugmentReport:
        report = AugmentReport()
        write_copies(painter, names, chunk, max_megapixels, report, lambda count: None)
        return report

    return write
