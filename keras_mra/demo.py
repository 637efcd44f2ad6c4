"""The demonstration: a small classifier trained on few labels, with and without MRA."""

import dataclasses
import pathlib
import shlex
import statistics
import sys
import time
from typing import Any
from typing import TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.progress import TaskID
from rich.table import Table

from keras_mra import backend
from keras_mra import datasets
from keras_mra import files
from keras_mra.classifiers.networks.small_cnn import small_cnn
from keras_mra.datasets.dataset import Split
from keras_mra.evaluation.occlusion import boundary_occlusion
from keras_mra.layers import MaskReconstruct
from keras_mra.machine import describe_machine
from keras_mra.models import MAE
from keras_mra.pretrain import pretrain_mae
from keras_mra.typing import ImageShape
from keras_mra.visualization import plot_masking_strategies

Data: TypeAlias = datasets.Dataset[Split]
Run: TypeAlias = dict[str, Any]

# The preset that augments the photographs of the gallery.
PHOTOGRAPHS = "mae_nano_photos"

# The widths of the hidden border in MRA's figure 4, for an image of 28 pixels.
BORDERS = (4, 6, 8)


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of the demonstration.

    Attributes:
        out: String, the folder for `gallery.png`, which shows photographs, a figure of
            the data, and `results.json`.
        pretrain: Bool. `True` trains the autoencoder; `False` loads the shipped one.
        labels_per_class: Int, the labelled training images of each class.
        epochs: Int, at least 2, the epochs over the labelled images.
        batch_size: Int.
        seeds: Int, the number of runs with and without MRA.
        mask_ratio: Float in (0, 1), the share of the patches that MRA repaints.
        rate: Float in [0, 1], the fraction of the images that MRA augments.
        data: `"fashion_mnist"`, or `"digits"`, which replaces it where Fashion-MNIST
            cannot be loaded.
        quick: Bool. `True` trains an autoencoder for one epoch, and the table says that
            the run is a quick one.
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
    quick: bool = False


def run_demo(settings: Settings, console: Console | None = None) -> dict[str, Any]:
    """Runs the demonstration, prints a table, and writes figures and the results.

    Args:
        settings: `Settings`.
        console: `rich.console.Console`, or `None` for the terminal.

    Returns:
        A dict, the content of `results.json`.
    """
    console = console or Console()
    started = time.monotonic()
    out = pathlib.Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    data = _load(settings.data, console)
    test_images, test_labels = _test(data)
    with Progress(console=console) as progress:
        mae, mae_origin = _autoencoder(data, settings, progress)
        painter = MAE.from_preset(PHOTOGRAPHS)
        photographs = datasets.sample_photographs(painter.image_shape[0])
        for name, figure in {
            "gallery": plot_masking_strategies(
                painter, photographs, settings.mask_ratio
            ),
            data.name: plot_masking_strategies(
                mae, test_images[_one_per_class(test_labels)], settings.mask_ratio
            ),
        }.items():
            with files.replacing(out / f"{name}.png") as part:
                figure.savefig(part, dpi=120)
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
    files.write_json(out / "results.json", results)
    console.print(
        f"Wrote {out / 'gallery.png'}, {out / data.name}.png and "
        f"{out / 'results.json'} in {results['seconds']:.0f} s."
    )
    return results


def _load(name: str, console: Console) -> Data:
    """The data set, or the digits where it cannot be loaded."""
    try:
        return datasets.load(name)
    except datasets.DatasetUnavailable:
        console.print(
            "Fashion-MNIST could not be loaded (from Keras' cache, Debian's folder or "
            "the network), so the demonstration uses scikit-learn's 8x8 digits."
        )
        return datasets.load("digits")


def _autoencoder(
    data: Data, settings: Settings, progress: Progress
) -> tuple[MAE, str | dict[str, Any]]:
    """The autoencoder, and its preset's name or its pretraining's settings."""
    if data.name == "fashion_mnist" and not settings.pretrain:
        return MAE.from_preset("mae_nano_fashion_mnist"), "mae_nano_fashion_mnist"
    recipe: dict[str, Any] = {
        "fashion_mnist": dict(patch_size=4, epochs=3, batch_size=128),
        "digits": dict(patch_size=2, epochs=40, batch_size=128, encoder_depth=2),
    }[data.name]
    if settings.quick:
        recipe["epochs"] = 1
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


def _run_arms(
    mae: MAE, data: Data, settings: Settings, progress: Progress
) -> list[Run]:
    """Trains a classifier for each arm and seed; returns one dict per run."""
    arms = {
        "none": None,
        "MRA": MaskReconstruct(
            mae, mask_ratio=settings.mask_ratio, rate=settings.rate, seed=0
        ),
    }
    images, labels = _test(data)
    tests = {"clean": images}
    for width in _borders(data.image_shape):
        tests[f"border {width}"] = boundary_occlusion(images, width)
    runs = []
    for arm, augmentation in arms.items():
        task = progress.add_task(
            f"training, {arm}", total=settings.seeds * settings.epochs
        )
        for seed in range(settings.seeds):
            model, seconds = _train(augmentation, data, settings, seed, progress, task)
            errors = {
                name: _error_rate(model, changed, labels)
                for name, changed in tests.items()
            }
            runs.append({"arm": arm, "seed": seed, "seconds": seconds, "error": errors})
    return runs


def _train(
    augmentation: keras.layers.Layer | None,
    data: Data,
    settings: Settings,
    seed: int,
    progress: Progress,
    task: TaskID,
) -> tuple[keras.Model, float]:
    """Trains one classifier.

    Returns:
        `(model, seconds)`: the classifier, and how long the epochs after the first
        took.
    """
    images, labels = data.train
    chosen = _labelled(labels, settings.labels_per_class, seed)
    batches = datasets.ArrayDataset(
        images[chosen],
        labels[chosen],
        batch_size=min(settings.batch_size, len(chosen)),
        seed=seed,
    )
    classes = len(np.unique(labels))
    model = small_cnn(data.image_shape, classes, (0, 255), augmentation, seed)
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


def _test(data: Data) -> Split:
    """The test images and labels, which both data sets have."""
    assert data.test is not None
    return data.test


def _labelled(labels: NDArray[Any], per_class: int, seed: int) -> NDArray[np.intp]:
    """Draws the indices of `per_class` images of each class."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [
            rng.choice(np.flatnonzero(labels == c), per_class, replace=False)
            for c in np.unique(labels)
        ]
    )


def _one_per_class(labels: NDArray[Any]) -> list[int]:
    """The index of the first image of each class."""
    return [int(np.flatnonzero(labels == c)[0]) for c in np.unique(labels)]


def _borders(image_shape: ImageShape) -> list[int]:
    """The distinct widths, in pixels, of `BORDERS` scaled to the image."""
    side = min(image_shape[:2])
    return sorted({max(1, round(border * side / 28)) for border in BORDERS})


def _error_rate(
    model: keras.Model, images: NDArray[Any], labels: NDArray[Any]
) -> float:
    """The share of the images that the model misclassifies."""
    predicted = model.predict(images, batch_size=500, verbose=0).argmax(axis=1)
    return float((predicted != labels).mean())


def _table(runs: list[Run], data: Data, settings: Settings) -> Table:
    """The mean errors of each arm, and their differences seed by seed."""
    table = Table(
        title=f"{'Quick run: t' if settings.quick else 'T'}est error in % on "
        f"{data.name} ({settings.labels_per_class} labels per class, "
        f"{settings.seeds} seeds, mean ± standard deviation)",
        box=box.SIMPLE_HEAD,  # fits into 80 columns
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


def _mean_std(values: list[float], signed: bool = False) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):{'+' if signed else ''}.1f}±{deviation:.1f}"


class _Advance(keras.callbacks.Callback):
    """Advances a progress bar at the end of each epoch."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        super().__init__()
        self.progress, self.task = progress, task

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.progress.advance(self.task)


class _Clock(keras.callbacks.Callback):
    """Measures the training time without the first epoch, which compiles."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch == 0:
            self.start = time.perf_counter()
        self.end = time.perf_counter()

    def seconds_after_first_epoch(self) -> float:
        return self.end - self.start
