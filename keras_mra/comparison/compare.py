"""`compare`: classifiers trained with MRA, without it, and with usual augmentations."""

import math
import time
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mra import checks
from keras_mra import files
from keras_mra.classifiers.networks.build_network import build_network
from keras_mra.comparison.arm_trainer import ArmTrainer
from keras_mra.comparison.arms import BASE
from keras_mra.comparison.arms import DEFAULT_ARMS
from keras_mra.comparison.arms import MRASettings
from keras_mra.comparison.arms import code_of
from keras_mra.comparison.comparison_data import MOST_SEEDS
from keras_mra.comparison.comparison_data import ComparisonData
from keras_mra.comparison.comparison_data import comparison_data
from keras_mra.comparison.comparison_plan import make_plan
from keras_mra.comparison.comparison_plan import planned_seeds
from keras_mra.comparison.comparison_plan import settled_plan
from keras_mra.comparison.comparison_result import MEASURES
from keras_mra.comparison.comparison_result import Comparison
from keras_mra.comparison.comparison_result import differences
from keras_mra.comparison.comparison_settings import ComparisonSettings
from keras_mra.comparison.comparison_verdict import comparison_verdict
from keras_mra.comparison.find_autoencoder import check_autoencoder
from keras_mra.comparison.find_autoencoder import check_nothing_pretrained
from keras_mra.comparison.find_autoencoder import pretrained_autoencoder
from keras_mra.comparison.find_autoencoder import suitable_preset
from keras_mra.comparison.plot_comparison import plot_comparison
from keras_mra.comparison.records import NAME
from keras_mra.comparison.records import Records
from keras_mra.datasets.crops import resize_images
from keras_mra.datasets.folder_of import folder_of
from keras_mra.evaluation.attention_statistics import attention_statistics
from keras_mra.evaluation.verdict import attention_verdict
from keras_mra.machine import describe_machine
from keras_mra.models.mae import MAE
from keras_mra.models.trained_mae import trained_mae
from keras_mra.pixels import in_value_range
from keras_mra.typing import Path
from keras_mra.visualization.new_figure import new_figure

INSPECTED = 64
PICTURE = "compare.png"


def compare(
    data: Any,
    preset: Path | None = None,
    *,
    pretrain: str | None = None,
    network: str | None = None,
    arms: Sequence[str] = DEFAULT_ARMS,
    labels_per_class: int | None = None,
    image_size: int | None = None,
    minutes: float = 60.0,
    epochs: int | None = None,
    seeds: int | None = None,
    mask_ratio: float = 0.4,
    rate: float = 0.5,
    out: Path = "mra-compare",
    verbose: bool = True,
) -> Comparison:
    """Trains classifiers with MRA and without it, and says whether MRA pays.

    Colour images are flipped and cropped in every arm; each arm adds one augmentation.
    All arms of a seed share their initial weights, images, order, steps and schedule.
    The test images are the data's own, or a fifth of each class that is held out of
    all training, also of that of the autoencoder.

    A comparison that was killed goes on if it is started again: finished runs are kept
    in `out`.

    Args:
        data: Name of a labelled data set (`"folder:PATH"` with a sub-folder for each
            class, `"cifar10"` and others, as in `keras_mra.datasets.load`), or a pair
            of uint8 images `(images, height, width, channels)` of 1 or 3 channels and
            integer labels from 0 to 99,999. A number below the largest label that no
            image has is a class too: the classifiers get an output for it.
        preset: Name, path or handle of the trained autoencoder, for images with as many
            channels, or `None` for a shipped one.
        pretrain: `"quick"`, `"good"` or `"best"` trains the autoencoder on the training
            images first, with the attention of `preset` as the teacher. `None` uses
            `preset` as it is.
        network: `"small_cnn"`, `"resnet20"`, `"resnet56"`, `"wrn_28_2"`, `"vit_tiny"`
            or a function of `keras.applications`, untrained. `None` is `"resnet20"` for
            colour images and `"small_cnn"` for grey ones.
        arms: Strings, what to compare with the base: `"MRA"`, `"MRA random"` (patches
            at random instead of by attention), `"AttentiveCutout"` (grey patches
            instead of repainted ones), `"AttentiveCutMix"`, `"CutMix"`, `"MixUp"`,
            `"TrivialAugment"`, `"RandAugment"` and `"AugMix"`, or several joined by
            `"+"`. What needs the colours of the image comes first, and what blends
            images last, in whatever order they are named.
        labels_per_class: Int, the labelled images of each class that a classifier is
            trained on, drawn anew for each seed; or `None` for all.
        image_size: Int from 3 to 1,024, the side of the images. `None` takes the size
            that all files share, if it is at most 32, or 32.
        minutes: Float, the time for all runs. At least three seeds are trained. If
            `epochs` and `seeds` are `None`, the runs have up to 60 epochs, or more if
            five seeds of them fit. Time that is left goes to more seeds, up to ten.
        epochs: Int up to 100,000, the epochs of each run, or `None` for as many as fit.
        seeds: Int up to 1,000, or `None` for as many as fit, at least three.
        mask_ratio: Float in (0, 1), the share of the patches that the arms with
            attention, and `"MRA random"`, repaint or make grey.
        rate: Float in [0, 1], the fraction of the images that these arms augment.
        out: Folder for `compare.json`, `compare.png` and a pretrained autoencoder, not
            in that of `data`.
        verbose: Bool, whether to print progress.

    Returns:
        A `Comparison`. `print` shows its table and its verdict.

    Raises:
        ValueError: If an argument or the data are bad, or `out` holds a comparison
            with other arguments, or a damaged one. Nothing has been written then.
        OSError: If `out` cannot be written to, or another process writes to it.
        ImportError: If matplotlib is not installed.

    Example:

    ```python
    comparison = keras_mra.compare(
        "digits", labels_per_class=10, epochs=2, seeds=2, out="compared"
    )
    print(comparison.verdict)
    ```
    """
    settings = ComparisonSettings(
        preset=preset,
        pretrain=pretrain,
        network=network,
        arms=arms,
        labels_per_class=labels_per_class,
        image_size=image_size,
        minutes=minutes,
        epochs=epochs,
        seeds=seeds,
        mask_ratio=mask_ratio,
        rate=rate,
    )
    verbose = checks.flag("verbose", verbose)
    folder = checks.path("out", out, "folder")
    files.check_outside("out", folder, "data", folder_of(data))
    # Errors of writing and a missing matplotlib must not come after the training.
    files.probe_folder("out", folder, (NAME, PICTURE))
    new_figure(1, 1)
    mae = None if preset is None else trained_mae(preset)
    images = comparison_data(data, settings.image_size, settings.labels_per_class)
    place = suitable_preset(images.image_shape) if preset is None else str(preset)
    if mae is None:
        mae = trained_mae(place)
    check_autoencoder(mae, place, images, settings)
    network = settings.network_for(images)
    _check_network_fits(network, images)
    plan = settled_plan(images, network, settings.labels_per_class)
    plan["measures"] = list(MEASURES)

    def say(line: str) -> None:
        if verbose:  # To the standard output, as the progress of `fit`.
            print(line, flush=True)

    with files.locked(folder, "out"):
        if settings.pretrain is not None and not (folder / NAME).is_file():
            check_nothing_pretrained(folder)
        records = Records(folder, settings.recorded(images, mae), plan)
        say(
            f"{images.name}: {_training_images(plan, len(images.train[0]))}, "
            f"{len(images.test[0])} images to test on"
            f"{' (held out)' if images.held_out else ''}, {len(images.class_names)} "
            f"classes, {images.image_shape[0]}x{images.image_shape[1]} pixels"
        )
        if settings.pretrain is not None:
            mae, place = pretrained_autoencoder(
                images, place, settings.pretrain, folder, verbose
            )
        mra = MRASettings(mae, settings.mask_ratio, settings.rate)
        attention = _attention(images, mae, records)
        say(attention)
        trainer = ArmTrainer(images, network, settings.labels_per_class, mra)
        if "plan" not in records.found:
            say(f"Timing a step of {network} with each of {', '.join(settings.arms)}.")
            costs = trainer.time(settings.arms)
            found = make_plan(costs, settings.minutes, settings.epochs, settings.seeds)
            seeds = planned_seeds(found, settings.epochs, settings.seeds)
            needed = seeds * costs.round(found) / 60
            if needed > settings.minutes and None in (settings.epochs, settings.seeds):
                say(
                    f"{_seeds(seeds)} of {found} epochs take about "
                    f"{math.ceil(needed)} minutes, more than the "
                    f"{settings.minutes:g} that were given."
                )
            records.write(plan={**plan, "epochs": found})
        plan = records.found["plan"]
        kept = sum(map(len, records.found["runs"].values()))
        if kept:
            say(f"{kept} runs are kept from an earlier start, in {records.path}.")
        say(
            f"Each run: {plan['epochs']} epochs of {plan['train_images']} images, "
            f"{plan['epochs'] * plan['steps_per_epoch']} steps."
        )
        _run_all(trainer, settings, plan["epochs"], records, say)
        runs = records.found["runs"]
        base = "no augmentation" if trainer.base is None else "flips and crops"
        comparison = Comparison(
            runs,
            base,
            comparison_verdict(
                {arm: differences(runs, arm) for arm in settings.arms},
                base,
                {arm: code_of(arm, place, mra) for arm in settings.arms},
                plan["epochs"],
                {arm: differences(runs, arm, "swapped") for arm in settings.arms},
                plan["test_images"],
            ),
            attention,
            plan,
            records.found["settings"],
            describe_machine(),
        )
        with files.replacing(folder / PICTURE) as part:
            plot_comparison(comparison).savefig(part, dpi=120)
        records.write(**comparison.to_dict())
        return comparison


def _training_images(plan: dict[str, Any], read: int) -> str:
    """How many images a classifier is trained on, and from how many they are drawn."""
    used = plan["train_images"]
    if used == read:
        return f"{read} images to train on"
    return f"each seed trains on {used} of {read} images"


def _left(minutes: float, seeds: int) -> str:
    """How long the seeds of a comparison still take."""
    return f"about {minutes:.0f} min left for {_seeds(seeds)}"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count > 1)}"


def _check_network_fits(network: str, images: ComparisonData) -> None:
    """Refuses a network that cannot be built for images of this shape."""
    try:
        build_network(network, images.image_shape, len(images.class_names), (0, 255), 0)
    except ValueError as error:
        raise ValueError(
            f"`network` must take images of shape {images.image_shape}; `image_size` "
            f"changes it. Received: network={network!r}, which refuses them: {error}"
        ) from error


def _run_all(
    trainer: ArmTrainer,
    settings: ComparisonSettings,
    epochs: int,
    records: Records,
    say: Callable[[str], None],
) -> None:
    """Trains all arms from one seed after the other, until the time is used."""
    spent, started = records.seconds(), time.perf_counter()
    every = [BASE, *settings.arms]
    planned = planned_seeds(epochs, settings.epochs, settings.seeds)
    seed = 0
    while True:
        for place, arm in enumerate(every):
            if records.get(arm, seed) is not None:
                continue
            run = trainer.run(arm, seed, epochs)
            records.add(arm, run)
            done = seed * len(every) + place + 1
            mean = records.seconds() / done
            rounds = max(planned, seed + 1)
            left = mean * (rounds * len(every) - done) / 60
            say(
                f"seed {seed}, {'base' if arm == BASE else arm}: "
                f"{100 * run['error']:.1f} % wrong, {run['seconds']:.0f} s"
                + (f"; {_left(left, rounds)}" if left >= 0.5 else "")
            )
        seed += 1
        # A seed that an earlier start began is finished.
        if seed < planned or records.get(BASE, seed) is not None:
            continue
        used = spent + time.perf_counter() - started
        one_more_fits = used * (seed + 1) / seed <= 60 * settings.minutes
        if settings.seeds is not None or seed >= MOST_SEEDS or not one_more_fits:
            return


def _attention(images: ComparisonData, mae: MAE, records: Records) -> str:
    """Whether the autoencoder's attention sees objects, measured once."""
    if "attention" not in records.found:
        chosen = np.linspace(0, len(images.test[0]) - 1, INSPECTED).astype(int)
        pictures = images.test[0][np.unique(chosen)]
        pictures = resize_images(pictures, mae.image_shape)
        pictures = in_value_range(pictures, mae.value_range)
        statistics = attention_statistics(mae, pictures)
        records.write(attention=attention_verdict(statistics=statistics))
    return str(records.found["attention"])
