"""`Records`: the runs of a comparison in a JSON file, so that a killed one goes on."""

import hashlib
import pathlib
import reprlib
from typing import Any

from keras_mra import files

NAME = "compare.json"
DIGEST = "content_sha256"


class Records:
    """What a comparison has measured so far.

    Every finished run is written at once. The file names the digest of its content,
    because a verdict on an edited file would be wrong without showing it.

    Args:
        folder: Path of the folder.
        settings: Dict that JSON can hold, the arguments that decide the runs.
        plan: Dict, the plan without its epochs, which follows from the settings and
            the images.

    Attributes:
        found: Dict, what is in the file.

    Raises:
        ValueError: If the folder holds a comparison of other settings, or one that
            `compare` would not have written.
    """

    def __init__(
        self, folder: pathlib.Path, settings: dict[str, Any], plan: dict[str, Any]
    ) -> None:
        self.path = folder / NAME
        try:
            self.found = files.read_json(self.path, missing_ok=True)
        except ValueError as error:
            raise self._refused(str(error)) from error
        if self.found:
            if self.found.pop(DIGEST, None) != _digest(self.found):
                raise self._refused(f"its content does not match its `{DIGEST}`")
            self._check(settings, plan)
        self.found.setdefault("settings", settings)
        self.found.setdefault("runs", {})
        self.write()

    def write(self, **entries: Any) -> None:
        """Adds entries and writes the file."""
        self.found.update(entries)
        files.write_json(self.path, {**self.found, DIGEST: _digest(self.found)})

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

    def _check(self, settings: dict[str, Any], plan: dict[str, Any]) -> None:
        """Refuses records of other settings, or of a version with other recipes."""
        planned = dict(self.found.get("plan", plan))
        planned.pop("epochs", None)  # They follow from the time of a step.
        made = {**planned, **self.found["settings"]}
        wanted = {**plan, **settings}
        changed = sorted(k for k in {*made, *wanted} if made.get(k) != wanted.get(k))
        if changed:
            shown = ", ".join(
                f"{key} {reprlib.repr(made.get(key))}, not "
                f"{reprlib.repr(wanted.get(key))}"
                for key in changed
            )
            raise ValueError(
                f"`out` must be a new folder, or that of the same comparison. "
                f"Received: {str(self.path.parent)!r}, which was made with {shown}"
            )

    def _refused(self, damage: str) -> ValueError:
        return ValueError(
            f"`out` must be a new folder, or that of a comparison whose {NAME} is as "
            f"it was written. Received: out={str(self.path.parent)!r}, with "
            f"{str(self.path)!r} damaged or edited: {damage}. Give another `out`, or "
            "delete the file to begin anew."
        )


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(files.json_text(content).encode()).hexdigest()
