"""`Records`: the runs of a comparison in a JSON file, so that a killed one goes on."""

import pathlib
from typing import Any

from keras_mra import files

NAME = "compare.json"


class Records:
    """What a comparison has measured so far.

    Every finished run is written at once.

    Args:
        folder: Path of the folder.
        settings: Dict that JSON can hold, the arguments that decide the runs.

    Attributes:
        found: Dict, what is in the file.

    Raises:
        ValueError: If the folder holds a comparison of other settings.
    """

    def __init__(self, folder: pathlib.Path, settings: dict[str, Any]) -> None:
        self.path = folder / NAME
        self.found = files.read_json(self.path, missing_ok=True)
        kept = self.found.setdefault("settings", settings)
        changed = sorted(
            key for key in {*kept, *settings} if kept.get(key) != settings.get(key)
        )
        if changed:
            shown = ", ".join(
                f"{key} {kept.get(key)!r}, not {settings.get(key)!r}" for key in changed
            )
            raise ValueError(
                f"`out` must be a new folder, or that of the same comparison. "
                f"Received: {str(folder)!r}, which was made with {shown}"
            )
        self.found.setdefault("runs", {})
        self.write()

    def write(self, **entries: Any) -> None:
        """Adds entries and writes the file."""
        self.found.update(entries)
        files.write_json(self.path, self.found)

    def get(self, arm: str, seed: int) -> dict[str, Any] | None:
        """The run of an arm and a seed, or `None`."""
        runs = self.found["runs"].get(arm, [])
        return runs[seed] if seed < len(runs) else None

    def add(self, arm: str, run: dict[str, Any]) -> None:
        """Keeps the next seed's run of an arm."""
        self.found["runs"].setdefault(arm, []).append(run)
        self.write()

    def seconds(self) -> float:
        """What all finished runs took."""
        runs = self.found["runs"].values()
        return float(sum(run["seconds"] for its_runs in runs for run in its_runs))
