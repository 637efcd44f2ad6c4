"""An experiment on the command line: its options, its data and its runs."""

import argparse
import copy
import functools
import pathlib
import shlex
import sys

import keras

from keras_mra import backend
from keras_mra import checks
from keras_mra import datasets
from keras_mra.classifiers.network_recipes import RECIPES
from keras_mra.machine import describe_machine
from study.autoencoders import autoencoder
from study.digests import digest_of_data
from study.digests import preset_key
from study.report import write_report
from study.runs import Runs
from study.splits import check_classes
from study.splits import load_splits
from study.splits import only

QUICK_IMAGES = 300
QUICK_SIZE = 32


class Study:
    """An experiment whose settings are options of the command line.

    `--quick` checks that the experiment runs: it takes few and small images and the
    quick settings, and spends little time on compilation. `--validation` is for
    choosing settings: it judges on images that are left out of training. `--network`
    chooses the settings of `RECIPES` too.

    Args:
        doc: String, the script's docstring. Its first line is the title.
        settings: Dict from settings to defaults. An option has the type of its
            default.
        quick: Dict of the settings that `--quick` changes. It may include `seeds`.
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
        add(
            "--data",
            default="fashion_mnist",
            help=f"one of {', '.join(datasets.GRAMMAR)}",
        )
        add("--image-size", type=int, help="side of the images; default: their own")
        add(
            "--mae",
            help="preset of the autoencoder that augments; default: the shipped one "
            "for Fashion-MNIST, for other data one that is trained here",
        )
        add("--classes", nargs="+", help="names of the classes to use; default: all")
        add("--seeds", type=int, nargs="+", default=[0, 1, 2])
        add(
            "--out",
            type=pathlib.Path,
            default=pathlib.Path("results"),
            help="folder of the report",
        )
        add(
            "--work",
            type=pathlib.Path,
            default=pathlib.Path("runs"),
            help="folder of the runs, which are trained once",
        )
        add(
            "--validation",
            action="store_true",
            help="judge on training images that are left out of training",
        )
        add("--quick", action="store_true", help="few small images and few steps")
        for name, value in settings.items():
            _add_setting(add, name, value)
        first = parser.parse_args(argv)
        if "optimizer" in settings:
            parser.set_defaults(**RECIPES.get(first.network, {}))
        if first.quick:
            parser.set_defaults(**{"seeds": [0], **quick})
            backend.compile_quickly()
        self.args = parser.parse_args(argv)
        for seed in self.args.seeds:
            checks.required_seed(seed)
        if len(set(self.args.seeds)) < len(self.args.seeds):
            raise ValueError(
                "`--seeds` must name each seed once: a repeated one would count as "
                f"another run. Received: {self.args.seeds}"
            )
        self.settings = {name: getattr(self.args, name) for name in settings}

    def on_validation(self):
        """The same experiment, judged on images that are left out of training."""
        other = copy.copy(self)
        other.args = argparse.Namespace(**{**vars(self.args), "validation": True})
        for name in ("data", "mae", "runs"):
            other.__dict__.pop(name, None)
        return other

    @functools.cached_property
    def data(self):
        """The data, as `Splits`."""
        data = self.load(self.args.data, self.args.image_size)
        data = only(data, self.args.classes) if self.args.classes else data
        check_classes(data)
        return data

    def load(self, name, image_size=None):
        """Loads `Splits`, small ones for `--quick`.

        Args:
            name, image_size: As in `load_splits`.
        """
        few = {}
        if self.args.quick:
            # A given autoencoder needs images of its own size.
            max_size = None if self.args.mae else QUICK_SIZE
            few = dict(limit=QUICK_IMAGES, max_size=max_size)
        return load_splits(name, image_size, self.args.validation, **few)

    @functools.cached_property
    def mae(self):
        """The `MAE` that augments.

        Raises:
            ValueError: If it takes images of another range than those of the data.
        """
        epochs = 2 if self.args.quick else 30
        folder = self.runs.place("autoencoder", {"epochs": epochs})
        mae = autoencoder(self.data, folder, self.args.mae, epochs)
        if mae.value_range != (0, 255):
            raise ValueError(
                "`--mae` must take pixels from 0 to 255. Received: "
                f"mae={self.args.mae!r}, for the range {mae.value_range}"
            )
        return mae

    @functools.cached_property
    def runs(self):
        """The `Runs` of this experiment."""
        data, args = self.data, self.args
        decides = dict(
            data=args.data,
            image_shape=list(data.image_shape),
            images=[data.train.num_samples, data.test.num_samples],
            content=digest_of_data(data),
            validation=args.validation,
            classes=args.classes,
            mae=preset_key(args.mae),
            backend=keras.backend.backend(),
        )
        return Runs(args.work, decides)

    def record(self, **found):
        """The facts that a reader needs to reproduce the numbers, as a dict.

        Args:
            **found: Further entries, such as the results.
        """
        data = self.data
        command = f"python examples/papers/{self.name}.py {shlex.join(self.argv)}"
        return {
            "title": self.title,
            "quick": self.args.quick,
            "command": f"KERAS_BACKEND={keras.backend.backend()} {command}".strip(),
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
        """Writes the report into `--out`, and prints it.

        Args:
            record, tables, figures: As in `write_report`.
        """
        print(write_report(self.args.out, self.name, record, tables, figures))


def _add_setting(add, name, value):
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        add(option, action=argparse.BooleanOptionalAction, default=value)
    elif isinstance(value, (list, tuple)):
        add(option, nargs="+", type=type(value[0]), default=list(value))
    else:
        add(option, type=type(value), default=value)
