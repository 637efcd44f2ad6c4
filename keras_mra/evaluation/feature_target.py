"""`feature_target`: the place of a file of features, checked before the work."""

from keras_mra import files
from keras_mra.datasets.image_reader import SUFFIXES
from keras_mra.typing import Path


def feature_target(out: Path) -> files.Place:
    """The place of a file of features, if one can be written there.

    Args:
        out: Path or URL of the file.

    Raises:
        ValueError: If `out` is not a path or URL of a file, or is named as an image,
            such as those of the source.
        OSError: If the file cannot be written.
    """
    place = files.place("out", out, "file")
    if place.name.lower().endswith(SUFFIXES):
        raise ValueError(
            "`out` must be a file that is not named as an image, because it would "
            f"replace one. Received: out={str(place)!r}"
        )
    files.probe_file("out", place)
    return place
