"""What a run of `augment_folder` did."""

import dataclasses
import pathlib


@dataclasses.dataclass
class AugmentReport:
    """Counts of copies, and the files that failed.

    Attributes:
        written: Int, the copies that were written.
        skipped: Int, the copies that existed before.
        failed: List of `(path, reason)`, the files that could not be read, and those
            whose copies could not be encoded or named.
    """

    written: int = 0
    skipped: int = 0
    failed: list[tuple[pathlib.Path, str]] = dataclasses.field(default_factory=list)
