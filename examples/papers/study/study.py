"""What the examples share: options, data, runs kept, and a report."""

import argparse
import functools
import json
import pathlib
import shlex
import sys

import keras

from keras_mra import backend
from keras_mra.evaluation.results import table
from keras_mra.machine import describe_machine
from study.autoencoders import autoencoder
from study.runs import Runs
from study.splits import load_splits
from study.splits import only

QUICK_IMAGES = 300
QUICK_SIZE = 32


class Study:
    """An experiment on the command line.

    Every setting is an option. `--quick` takes few and small images and the quick
    settings, and compiles quickly; `--validation` judges on images left out of
    training, for choosing settings.

    Args:
        doc: The example's docstring; its first line is the title.
        settings: Dict from settings to defaults, whose types the options take.
        quick: Dict of the settings, and `seeds`, that `--quick` changes.
        argv: List of strings, or `None` for the command line's.
    """

    def __init__(self, doc, settings, quick, argv=None):
        self.title = doc.strip().splitlines()[0].rstrip(".")
        self.name = pathlib.Path(sys.argv[0]).stem
        argv = sys.argv[1:] if argv is None else argv
        self.argv = list(argv)
        parser = argparse.ArgumentParser(
            description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        add = parser.add_argument
        add("--data", default="fashion_mnist", help="folder:PATH, tfds:NAME, digits")
        add("--image-size", type=int, help="side of the images; their own if not given")
        add("--mae", help="preset of the augmentor; see README if not given")
        add("--classes", nargs="+", help="names of those to tell apart; all")
        add("--seeds", type=int, nargs="+", default=[0, 1, 2])
        add("--out", type=pathlib.Path, default=pathlib.Path("results"))
        add("--work", type=pathlib.Path, default=pathlib.Path("runs"))
        add("--validation", action="store_true", help="judge on left-out images")
        add("--quick", action="store_true", help="few small images, few steps")
        for name, value in settings.items():
            _add_setting(add, name, value)
        if parser.parse_args(argv).quick:
            parser.set_defaults(**{"seeds": [0], **quick})
            backend.compile_quickly()
        self.args = parser.parse_args(argv)
        self.settings = {name: getattr(self.args, name) for name in settings}

    @functools.cached_property
    def data(self):
        """The data, as `Splits`."""
        args = self.args
        few = {}
        if args.quick:
            # An augmentor that is given reads images of its own size.
            few = dict(limit=QUICK_IMAGES, max_size=None if args.mae else QUICK_SIZE)
        data = load_splits(args.data, args.image_size, args.validation, **few)
        return only(data, args.classes) if args.classes else data

    @functools.cached_property
    def _autoencoder(self):
        epochs = 2 if self.args.quick else 30
        folder = self.runs.place("autoencoder", {"epochs": epochs})
        return autoencoder(self.data, folder, self.args.mae, epochs)

    @property
    def mae(self):
        """The autoencoder that augments."""
        return self._autoencoder[0]

    @functools.cached_property
    def runs(self):
        """The `Runs` of this experiment."""
        data, args = self.data, self.args
        decides = dict(
            data=args.data,
            image_shape=list(data.image_shape),
            images=[data.train.num_samples, data.test.num_samples],
            validation=args.validation,
            classes=args.classes,
            mae=args.mae,
            backend=keras.backend.backend(),
        )
        return Runs(args.work, decides)

    def record(self, **found):
        """Everything that a reader needs to make the numbers again, as a dict."""
        data = self.data
        return {
            "title": self.title,
            "command": f"KERAS_BACKEND={keras.backend.backend()} python "
            f"examples/{self.name}.py {shlex.join(self.argv)}".strip(),
            "machine": describe_machine(),
            "data": data.name,
            "image_shape": data.image_shape,
            "train_images": data.train.num_samples,
            "judged_on": data.judged_on,
            "seeds": self.args.seeds,
            "settings": self.settings,
            **found,
        }

    def write(self, record, tables, figures):
        """Writes and prints the report.

        Args:
            record: Dict, as `record` makes it; becomes `NAME.json`.
            tables: Dict from headings to Markdown; with the record's facts they become
                `NAME.md`.
            figures: Dict from suffixes to matplotlib figures; `NAME_SUFFIX.png`, or
                `NAME.png` for `""`.
        """
        out = self.args.out
        out.mkdir(parents=True, exist_ok=True)
        pictures = []
        for suffix, figure in figures.items():
            name = "_".join(filter(None, [self.name, suffix])) + ".png"
            figure.savefig(out / name, dpi=120)
            pictures.append(f"![{suffix or self.title}]({name})")
        text = "\n\n".join(
            [
                f"# {self.title}",
                f"    {record['command']}",
                _facts(record),
                *(f"{heading}\n\n{table}" for heading, table in tables.items()),
                *pictures,
                _settings(record),
            ]
        )
        (out / f"{self.name}.md").write_text(text + "\n", encoding="utf-8")
        (out / f"{self.name}.json").write_text(
            json.dumps(record, indent=2) + "\n", encoding="utf-8"
        )
        print(text)


def _add_setting(add, name, value):
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        add(option, action=argparse.BooleanOptionalAction, default=value)
    elif isinstance(value, (list, tuple)):
        add(option, nargs="+", type=type(value[0]), default=list(value))
    else:
        add(option, type=type(value), default=value)


def _facts(record):
    machine = record["machine"]
    packages = ", ".join(map(" ".join, machine["packages"].items()))
    count = len(record["seeds"])
    return (
        f"{record['data']}, images of {'x'.join(map(str, record['image_shape']))}; "
        f"{record['train_images']:,} to train on; judged on {record['judged_on']}. "
        f"{count} seed{'s' if count > 1 else ''}: mean ± standard deviation; "
        "differences are taken seed by seed. "
        f"{machine['processor']}, {machine['cores']} cores, {packages}, "
        f"Python {machine['python']}."
    )


def _settings(record):
    rows = [(name, str(value)) for name, value in record["settings"].items()]
    return table([("setting", "value"), *rows])
