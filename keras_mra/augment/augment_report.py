"""What a run of `augment_folder` did."""

import dataclasses

from keras_mra import files


@dataclasses.dataclass
class AugmentReport:
    """Counts of copies, and the files that failed, were left out or used in part.

    The paths are `pathlib.Path`s; those of a store are paths whose `str` is their URL.

    Attributes:
        written: Int, the copies that were written.
        skipped: Int, the copies that existed before.
        originals: Int, the originals that were put into the target.
        animated: List of paths, the files of several frames or pages. Only their first
            picture was used. Files whose copies all existed before are not read, and
            not listed.
        failed: List of `(path, reason)`, the files that could not be read, and those
            whose copies could not be encoded or named.
        left_out: List of `(path, reason)`, the links that leave the source, what is
            named as an image but is not a regular file, and folders that cannot be
            listed.
    """

    written: int = 0
    skipped: int = 0
    originals: int = 0
    animated: list[files.Place] = dataclasses.field(default_factory=list)
    failed: list[tuple[files.Place, str]] = dataclasses.field(default_factory=list)
    left_out: list[tuple[files.Place, str]] = dataclasses.field(default_factory=list)

    def add(self, other: "AugmentReport") -> None:
        """Adds what was done with other files of the same run."""
        self.written += other.written
        self.skipped += other.skipped
        self.originals += other.originals
        self.animated += other.animated
        self.failed += other.failed
        self.left_out += other.left_out
