"""The settings of a folder of copies, recorded beside them."""

from typing import Any

from keras_mra import files
from keras_mra.augment.copies import RECORD
from keras_mra.augment.copies import Copies
from keras_mra.version import __version__

_SHOWN = {"mae": "mae (the preset)"}
# What the copies do not depend on.
_VERSION = "keras_mra_version"


def check_settings(copies: Copies, settings: dict[str, Any]) -> None:
    """Refuses a folder of copies that were made with other settings.

    More copies than before and the addition of the originals are allowed.

    Args:
        copies: `Copies`. Their folder need not exist.
        settings: Dict that JSON can hold, from arguments to their values.

    Raises:
        ValueError: If the folder holds copies whose settings differ or are not
            recorded. The message names each argument that differs.
    """
    copy = copies.find_copy()
    if copy is None:
        return
    target, recorded = str(copies.folder), copies.record()
    advice = "Choose another folder, or delete the copies."
    if not recorded:
        raise ValueError(
            "`target` must be a folder without copies, or with a record of their "
            f"settings, {RECORD}. {advice} Received: target={target!r}, which "
            f"holds {copy!r} and no record"
        )
    differing = [
        f"{_SHOWN.get(name, name)}={recorded.get(name)!r} there and {value!r} now"
        for name, value in settings.items()
        if not _is_continued(name, recorded.get(name), value)
    ]
    if differing:
        raise ValueError(
            "`target` must be a folder whose copies were made with the same settings. "
            f"{advice} Received: target={target!r}, with {', '.join(differing)}"
        )


def write_settings(copies: Copies, settings: dict[str, Any]) -> None:
    """Records the settings in the folder of the copies, if they are not there yet.

    Raises:
        OSError: If the file cannot be written.
    """
    document = {**settings, _VERSION: __version__}
    copies.write_record(files.json_text(document).encode())


def _is_continued(name: str, before: Any, now: Any) -> bool:
    """Whether a run with a setting only adds to what another one has made."""
    if name == "copies" and isinstance(before, int):
        return bool(before <= now)
    if name == "include_originals" and before is False:
        return True
    return bool(before == now)
