"""`feature_target`: the place of a file of features, checked before the work."""

from keras_mra import files
from keras_mra.typing import Path


def feature_target(out: Path) -> files.Place:
    """The place of a file of features, if one can be written there.

    Args:
        out: Path or URL of the file.

    Raises:
        ValueError: If `out` is not a path or URL of a file that ends in .parquet.
        OSError: If the file cannot be written.
    """
    place = files.place("out", out, "file")
    # Another suffix would hide the format, or replace an image of the source.
    if not place.name.lower().endswith(".parquet"):
        raise ValueError(
            "`out` must be a file that ends in .parquet, the format that is written. "
            f"Received: out={str(place)!r}"
        )
    files.probe_file("out", place)
    return place
