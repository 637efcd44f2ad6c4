"""`compare`: classifiers trained with MRA, without it, and with usual augmentations."""

import time
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mra import checks
from keras_mra import files
from keras_mra.comparison.arm_trainer import ArmTrainer
from keras_mra.comparison.arms import BASE
from keras_mra.comparison.arms import DEFAULT_ARMS
from keras_mra.comparison.arms import MRASettings
from keras_mra.comparison.arms import check_arms
from keras_mra.comparison.arms import code_of
from keras_mra.comparison.comparison_data import MOST_SEEDS
from keras_mra.comparison.comparison_data import comparison_data
from keras_mra.comparison.comparison_plan import SEEDS
from keras_mra.comparison.comparison_plan import make_plan
from keras_mra.comparison.comparison_result import Comparison
from keras_mra.comparison.comparison_result import differences
from keras_mra.comparison.comparison_verdict import comparison_verdict
from keras_mra.comparison.find_autoencoder import find_autoencoder
from keras_mra.comparison.plot_comparison import plot_comparison
from keras_mra.comparison.records import NAME
from keras_mra.comparison.records import Records
from keras_mra.datasets.crops import resize_images
from keras_mra.evaluation.inspect import inspect
from keras_mra.machine import describe_machine
from keras_mra.pixels import in_value_range
from keras_mra.typing import Path

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
            of uint8 images `(images, height, width, channels)` and integer labels.
        preset: Name, path or handle of the autoencoder, or `None` for a shipped one.
        pretrain: `"quick"`, `"good"` or `"best"` trains the autoencoder on the training
            images first, with the attention of `preset` as the teacher. `None` uses
            `preset` as it is.
        network: `"small_cnn"`, `"resnet20"`, `"resnet56"`, `"wrn_28_2"`, `"vit_tiny"`
            or a function of `keras.applications`, untrained. `None` is `"resnet20"` for
            colour images and `"small_cnn"` for grey ones.
        arms: Strings, what to compare with the base: `"MRA"`, `"MRA random"` (patches
            at random instead of by attention), `"AttentiveCutMix"`, `"CutMix"`,
            `"MixUp"`, `"RandAugment"` and `"AugMix"`, or several joined by `"+"`.
        labels_per_class: Int, the labelled images of each class that a classifier is
            trained on, drawn anew for each seed; or `None` for all.
        image_size: Int, the side of the images. `None` takes the size that all files
            share, if it is at most 32, or 32.
        minutes: Float, the time for all runs. It decides the epochs, such that three
            seeds fit, and the seeds beyond three.
        epochs: Int, the epochs of each run, or `None` for as many as fit.
        seeds: Int, or `None` for as many as fit.
        mask_ratio: Float in (0, 1), the share of the patches that MRA repaints.
        rate: Float in [0, 1], the fraction of the images that MRA augments.
        out: Folder for `compare.json`, `compare.png` and a pretrained autoencoder.
        verbose: Bool, whether to print progress.

    Returns:
        A `Comparison`. `print` shows its table and its verdict.

    Raises:
        ValueError: If an argument or the data are bad, or `out` holds a comparison
            with other arguments.
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

    def say(line: str) -> None:
        if verbose:  # To the standard output, as the progress of `fit`.
            print(line, flush=True)

    arms = check_arms(arms)
    if labels_per_class is not None:
        labels_per_class = checks.positive_int("labels_per_class", labels_per_class)
    if epochs is not None:
        epochs = checks.positive_int("epochs", epochs)
    if seeds is not None:
        seeds = checks.integer("seeds", seeds, 1, "an integer from 1 to 1000", 1000)
    minutes = checks.positive_float("minutes", minutes)
    images = comparison_data(data, image_size, labels_per_class)
    if network is None:
        network = "resnet20" if images.image_shape[2] == 3 else "small_cnn"
    settings = {
        "data": images.name, "preset": None if preset is None else str(preset),
        "pretrain": pretrain, "network": network, "arms": arms,
        "labels_per_class": labels_per_class, "image_shape": list(images.image_shape),
        # A folder may have changed, and arrays have no name.
        "images_sha256": images.digest(),
        "minutes": minutes, "epochs": epochs, "seeds": seeds,
        "mask_ratio": mask_ratio, "rate": rate,
    }  # fmt: skip
    folder = checks.path("out", out, "folder")
    # An error here must not come after the training.
    files.probe_folder("out", folder, (NAME, PICTURE))
    with files.locked(folder, "out"):
        records = Records(folder, settings)
        say(
            f"{images.name}: {len(images.train[0])} images to train on, "
            f"{len(images.test[0])} to test on"
            f"{' (held out)' if images.held_out else ''}, {len(images.class_names)} "
            f"classes, {images.image_shape[0]}x{images.image_shape[1]} pixels"
        )
        mae, place = find_autoencoder(images, preset, pretrain, folder, verbose)
        mra = MRASettings(mae, mask_ratio, rate)
        attention = _attention(images, mra, records)
        say(attention)
        trainer = ArmTrainer(images, network, labels_per_class, mra)
        if "plan" not in records.found:
            say(f"Timing a step of {network} with each of {', '.join(arms)}.")
            costs = trainer.time(arms)
            records.write(
                plan={
                    "network": network,
                    "train_images": trainer.train_images,
                    "test_images": len(images.test[0]),
                    "classes": len(images.class_names),
                    "epochs": make_plan(costs, minutes, epochs),
                    "steps_per_epoch": costs.steps_per_epoch,
                    **trainer.recipe,
                }
            )
        plan = records.found["plan"]
        kept = sum(map(len, records.found["runs"].values()))
        if kept:
            say(f"{kept} runs are kept from an earlier start, in {records.path}.")
        say(
            f"Each run: {plan['epochs']} epochs of {plan['train_images']} images, "
            f"{plan['epochs'] * plan['steps_per_epoch']} steps."
        )
        _run_all(trainer, arms, plan["epochs"], seeds, minutes, records, say)
        runs = records.found["runs"]
        base = "no augmentation" if trainer.base is None else "flips and crops"
        comparison = Comparison(
            runs,
            base,
            comparison_verdict(
                {arm: differences(runs, arm) for arm in arms},
                base,
                {arm: code_of(arm, place, mra) for arm in arms},
                plan["epochs"],
            ),
            attention,
            plan,
            settings,
            describe_machine(),
        )
        with files.replacing(folder / PICTURE) as part:
            plot_comparison(comparison).savefig(part, dpi=120)
        records.write(**comparison.to_dict())
        return comparison


def _run_all(
    trainer: ArmTrainer,
    arms: list[str],
    epochs: int,
    seeds: int | None,
    minutes: float,
    records: Records,
    say: Callable[[str], None],
) -> None:
    """Trains all arms from one seed after the other, until the time is used."""
    spent, started = records.seconds(), time.perf_counter()
    every = [BASE, *arms]
    seed = 0
    while True:
        for place, arm in enumerate(every):
            if records.get(arm, seed) is not None:
                continue
            run = trainer.run(arm, seed, epochs)
            records.add(arm, run)
            done = seed * len(every) + place + 1
            mean = records.seconds() / done
            rounds = seeds or max(SEEDS, seed + 1)
            left = mean * (rounds * len(every) - done) / 60
            say(
                f"seed {seed}, {'base' if arm == BASE else arm}: "
                f"{100 * run['error']:.1f} % wrong, {run['seconds']:.0f} s"
                + (f"; {left:.0f} min to {rounds} seeds" if left >= 0.5 else "")
            )
        seed += 1
        used = spent + time.perf_counter() - started
        if seeds is not None:
            if seed >= seeds:
                return
        elif seed >= SEEDS:
            one_more_fits = used * (seed + 1) / seed <= 60 * minutes
            if seed >= MOST_SEEDS or not one_more_fits:
                return


def _attention(images: Any, mra: MRASettings, records: Records) -> str:
    """Whether the autoencoder's attention sees objects, measured once."""
    if "attention" not in records.found:
        chosen = np.linspace(0, len(images.test[0]) - 1, INSPECTED).astype(int)
        pictures = images.test[0][np.unique(chosen)]
        pictures = resize_images(pictures, mra.mae.image_shape)
        pictures = in_value_range(pictures, mra.mae.value_range)
        found = inspect(mra.mae, pictures, None, [mra.mask_ratio])
        records.write(attention=found.attention_verdict)
    return str(records.found["attention"])
