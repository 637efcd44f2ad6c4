"""Runs of an experiment, each kept under what decided it."""

import hashlib
import json
import pathlib
import time


class Runs:
    """Results that are computed once: a killed experiment goes on where it was.

    Args:
        folder: Where the runs are kept, one folder each.
        decides: Dict that JSON can hold, what decides all of them.

    Example:

    >>> runs = Runs("runs/demo", {"data": "digits"})
    >>> result = runs("none", {"seed": 0}, lambda folder: {"error": 0.1})
    """

    def __init__(self, folder, decides):
        self.folder = pathlib.Path(folder)
        self.decides = decides

    def __call__(self, name, decides, function):
        """Runs a function, or reads what it returned when it ran before.

        Args:
            name: String, names the folder.
            decides: Dict that JSON can hold: a run that differs in it is another.
            function: Function of a folder, to a dict that JSON can hold.

        Returns:
            The dict, with `seconds` added to it.
        """
        place = self.place(name, decides)
        path = place / "result.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
        print(f"{name}: {_short(decides)}", flush=True)
        place.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        result = function(place)
        result = {**result, "seconds": time.perf_counter() - started}
        part = path.with_suffix(".part")
        part.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        part.replace(path)  # whole, or not there
        return json.loads(json.dumps(result))

    def place(self, name, decides):
        """The folder of a run."""
        text = json.dumps([self.decides, decides], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return self.folder / f"{name.replace(' ', '_')}-{digest}"


def _short(decides):
    return ", ".join(f"{key} {value}" for key, value in decides.items())
