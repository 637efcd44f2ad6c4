"""Results of an experiment, each kept in a folder named after its settings."""

import hashlib
import json
import pathlib
import time

from keras_mra import files


class Runs:
    """Computes each result once, so that a killed experiment continues where it was.

    Args:
        folder: Path of the folder that holds a folder for each run.
        decides: Dict that JSON can hold, the settings that all runs share.

    Example:

    >>> runs = Runs("runs/demo", {"data": "digits"})
    >>> result = runs("none", {"seed": 0}, lambda folder: {"error": 0.1})
    """

    def __init__(self, folder, decides):
        self.folder = pathlib.Path(folder)
        self.decides = decides

    def __call__(self, name, decides, function):
        """Calls a function, or reads the result that an earlier call returned.

        Args:
            name: String, the beginning of the folder's name.
            decides: Dict that JSON can hold, the settings of this run. A call with
                other settings is another run.
            function: Function from the run's folder to a dict that JSON can hold.

        Returns:
            The dict as JSON holds it, with the entry `seconds` added.
        """
        place = self.place(name, decides)
        path = place / "result.json"
        if not path.exists():
            shown = ", ".join(f"{key} {value}" for key, value in decides.items())
            print(f"{name}: {shown}", flush=True)
            place.mkdir(parents=True, exist_ok=True)
            started = time.perf_counter()
            result = function(place)
            seconds = time.perf_counter() - started
            files.write_json(path, {**result, "seconds": seconds})
        return files.read_json(path)

    def place(self, name, decides):
        """The `pathlib.Path` of a run's folder."""
        text = json.dumps([self.decides, decides], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return self.folder / f"{name.replace(' ', '_')}-{digest}"


def over_seeds(names, seeds, judged):
    """Judges everything that an experiment compares, one seed after the other.

    An experiment that is stopped early has compared everything from its first seeds.

    Args:
        names: Strings, the arms or encoders.
        seeds: Ints.
        judged: Function from a name and a seed to a pair, a result and a learning
            curve.

    Returns:
        `(results, curves)`: dicts from the names to lists with one entry per seed.
    """
    results = {name: [] for name in names}
    curves = {name: [] for name in names}
    for seed in seeds:
        for name in names:
            result, curve = judged(name, seed)
            results[name].append(result)
            curves[name].append(curve)
    return results, curves
