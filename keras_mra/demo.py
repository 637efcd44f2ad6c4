"""The demonstration: a small CNN on few labels, without and with MRA."""

import dataclasses
import json
import pathlib
import shlex
import statistics
import sys
import time

import keras
import numpy as np
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from study.small_cnn import small_cnn

from keras_mra import backend
from keras_mra import datasets
from keras_mra.evaluation.occlusion import boundary_occlusion
from keras_mra.layers import MaskReconstruct
from keras_mra.machine import describe_machine
from keras_mra.models import MAE
from keras_mra.pretrain import pretrain_mae
from keras_mra.visualization import plot_masking_strategies

# Borders of MRA's figure 4, in pixels of a 28-pixel image.
BORDERS = (4, 6, 8)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides what the demonstration measures.

    Attributes:
        out: Folder for `gallery.png` and `results.json`.
        pretrain: Whether to train the autoencoder in this run, not load the shipped.
        labels_per_class: Int.
        epochs: Int, epochs over the labelled images.
        batch_size: Int.
        seeds: Int, number of runs of each arm.
        mask_ratio: Float, share of the patches repainted.
        rate: Float, fraction of the images augmented.
        data: `"fashion_mnist"` or `"digits"`; the first falls back to the second.
    """

    out: str = "mra-demo"
    pretrain: bool = False
    labels_per_class: int = 40
    epochs: int = 30
    batch_size: int = 50
    seeds: int = 3
    mask_ratio: float = 0.4
    rate: float = 0.5
    data: str = "fashion_mnist"


def run_demo(settings, console=None):
    """Runs the demonstration and writes its files.

    Args:
        settings: `Settings`.
        console: `rich.console.Console`, or `None` for the terminal.

    Returns:
        The results as a dict, the content of `results.json`.
    """
    console = console or Console()
    started = time.monotonic()
    out = pathlib.Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    data = _load(settings.data, console)
    images, labels = data.train
    with Progress(console=console) as progress:
        mae, mae_origin = _autoencoder(data, settings, progress)
        figure = plot_masking_strategies(
            mae, data.test[0][_one_per_class(data.test[1])], settings.mask_ratio
        )
        figure.savefig(out / "gallery.png", dpi=120)
        runs = _run_arms(mae, data, settings, progress)
    console.print(_table(runs, data, settings))
    results = {
        "command": shlex.join(["keras-mra", *sys.argv[1:]]),
        "settings": dataclasses.asdict(settings),
        "machine": describe_machine(),
        "data": {"name": data.name, "source": data.source},
        "autoencoder": mae_origin,
        "runs": runs,
        "seconds": time.monotonic() - started,
    }
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    console.print(
        f"Wrote {out / 'gallery.png'} and {out / 'results.json'} "
        f"in {results['seconds']:.0f} s."
    )
    return results


def _load(name, console):
    try:
        return datasets.load(name)
    except datasets.DatasetUnavailable:
        console.print(
            "Fashion-MNIST is not to be had (Keras cache, Debian's folder, download), "
            "so this runs on scikit-learn's 8x8 digits."
        )
        return datasets.load("digits")


def _autoencoder(data, settings, progress):
    """The autoencoder and where it comes from."""
    if data.name == "fashion_mnist" and not settings.pretrain:
        return MAE.from_preset("mae_nano_fashion_mnist"), "mae_nano_fashion_mnist"
    recipe = {
        "fashion_mnist": dict(patch_size=4, epochs=3, batch_size=128),
        "digits": dict(patch_size=2, epochs=40, batch_size=128, encoder_depth=2),
    }[data.name]
    task = progress.add_task("pretraining the MAE", total=recipe["epochs"])
    mae = pretrain_mae(
        data.train[0],
        preset="mae_nano",
        learning_rate=2e-3,
        crop_scale=(0.5, 1.0),
        verbose=0,
        callbacks=[_Advance(progress, task)],
        **recipe,
    )
    return mae, {"pretrained": {"preset": "mae_nano", **recipe}}


def _run_arms(mae, data, settings, progress):
    """Trains both arms with each seed; returns one dict per run."""
    arms = {
        "none": None,
        "MRA": MaskReconstruct(
            mae, mask_ratio=settings.mask_ratio, rate=settings.rate, seed=0
        ),
    }
    tests = {"clean": data.test[0]}
    for width in _borders(data.image_shape):
        tests[f"border {width}"] = boundary_occlusion(data.test[0], width)
    runs = []
    for arm, augmentation in arms.items():
        task = progress.add_task(
            f"training, {arm}", total=settings.seeds * settings.epochs
        )
        for seed in range(settings.seeds):
            model, seconds = _train(augmentation, data, settings, seed, progress, task)
            errors = {
                name: _error_rate(model, images, data.test[1])
                for name, images in tests.items()
            }
            runs.append({"arm": arm, "seed": seed, "seconds": seconds, "error": errors})
    return runs


def _train(augmentation, data, settings, seed, progress, task):
    """Trains one classifier; returns it and the seconds after its first epoch."""
    images, labels = data.train
    chosen = _labelled(labels, settings.labels_per_class, seed)
    batches = datasets.ArrayDataset(
        images[chosen],
        labels[chosen],
        batch_size=min(settings.batch_size, len(chosen)),
        seed=seed,
    )
    model = small_cnn(
        data.image_shape, len(data.class_names), (0, 255), augmentation, seed
    )
    steps = settings.epochs * len(batches)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps)),
        "sparse_categorical_crossentropy",
        jit_compile=backend.fastest_jit_compile(steps),
    )
    clock = _Clock()
    model.fit(
        batches,
        epochs=settings.epochs,
        shuffle=False,
        verbose=0,
        callbacks=[_Advance(progress, task), clock],
    )
    return model, clock.seconds_after_first_epoch()


def _labelled(labels, per_class, seed):
    """Indices of `per_class` images of each class, drawn with the seed."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [
            rng.choice(np.flatnonzero(labels == c), per_class, replace=False)
            for c in np.unique(labels)
        ]
    )


def _one_per_class(labels):
    return [int(np.flatnonzero(labels == c)[0]) for c in np.unique(labels)]


def _borders(image_shape):
    """`BORDERS` in proportion to the image, those that differ."""
    side = min(image_shape[:2])
    return sorted({max(1, round(border * side / 28)) for border in BORDERS})


def _error_rate(model, images, labels):
    predicted = model.predict(images, batch_size=500, verbose=0).argmax(axis=1)
    return float((predicted != labels).mean())


def _table(runs, data, settings):
    table = Table(
        title=f"Test error in % on {data.name} ({settings.labels_per_class} labels per "
        f"class, {settings.seeds} seeds, mean ± standard deviation)",
        box=box.SIMPLE_HEAD,  # 80 columns hold it
    )
    names = list(runs[0]["error"])
    for heading in ["augmentation", *names, "train s", "ratio"]:
        table.add_column(heading, no_wrap=True)
    arms = {run["arm"]: [r for r in runs if r["arm"] == run["arm"]] for run in runs}
    base = statistics.mean(run["seconds"] for run in arms["none"])
    for arm, its_runs in arms.items():
        cells = [
            _mean_std([100 * r["error"][name] for r in its_runs]) for name in names
        ]
        seconds = [run["seconds"] for run in its_runs]
        ratio = statistics.mean(seconds) / base
        table.add_row(arm, *cells, _mean_std(seconds), f"{ratio:.2f}")
    differences = [
        _mean_std(
            [
                100 * (with_mra["error"][name] - without["error"][name])
                for with_mra, without in zip(arms["MRA"], arms["none"])
            ],
            signed=True,
        )
        for name in names
    ]
    table.add_section()
    table.add_row("MRA − none", *differences)
    return table


def _mean_std(values, signed=False):
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):{'+' if signed else ''}.1f}±{deviation:.1f}"


class _Advance(keras.callbacks.Callback):
    """Moves a progress bar on at the end of each epoch."""

    def __init__(self, progress, task):
        super().__init__()
        self.progress, self.task = progress, task

    def on_epoch_end(self, epoch, logs=None):
        self.progress.advance(self.task)


class _Clock(keras.callbacks.Callback):
    """Seconds of training without the first epoch, which compiles."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.start = time.perf_counter()
        self.end = time.perf_counter()

    def seconds_after_first_epoch(self):
        return self.end - self.start
