"""`figure_target`: the place of a figure, checked before the work."""

import pathlib

from keras_mra import checks
from keras_mra import files
from keras_mra.typing import Path

# What matplotlib writes without other programs.
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".pdf", ".svg", ".eps", ".ps",
)  # fmt: skip


def figure_target(out: Path, sources: dict[str, pathlib.Path | None]) -> pathlib.Path:
    """The place of a figure, if one can be written there.

    Args:
        out: Path of the file.
        sources: Dict from names of arguments to the folders of the images that they
            name, or to `None`. None of these images is replaced.

    Raises:
        ValueError: If `out` does not end as a figure does, or lies in a folder of
            images.
        OSError: If the file cannot be written.
    """
    place = checks.path("out", out, "file")
    if place.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"`out` must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}. "
            f"Received: out={str(place)!r}"
        )
    for name, folder in sources.items():
        files.check_outside("out", place, name, folder)
    files.probe_file("out", place)
    return place
