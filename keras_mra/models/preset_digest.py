"""The digest by which a preset's configuration names its weights."""

import hashlib
import pathlib

from keras_mra import files

DIGEST = "weights_sha256"


def digest_of(weights: pathlib.Path) -> str:
    """The SHA-256 of a file of weights."""
    with files.open_regular(weights) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_digest(weights: pathlib.Path, expected: str | None) -> None:
    """Refuses weights that do not belong to a configuration.

    Args:
        weights: The file of weights.
        expected: The digest in the configuration, or `None`: presets of earlier
            versions have none.

    Raises:
        ValueError: If the file has another digest.
    """
    if expected is not None and digest_of(weights) != expected:
        raise ValueError(
            "`preset` must hold weights and a configuration that were saved together. "
            f"Received: {str(weights)!r}, which are not the weights that the "
            "configuration was saved with. They were damaged or exchanged, or another "
            "process saved while they were read. If loading fails again, save the "
            "model with `save_to_preset` again."
        )
