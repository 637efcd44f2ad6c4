"""Linear probes and other protocols for MAE, MSA, supervised and random encoders.

*Teaching Masked Autoencoder With Strong Augmentations* (MSA, TNNLS 2025), linear
probing, where the paper reports 6.1 points more than MAE on ImageNet-1k. The encoders
are frozen. Three kinds of features are judged: the class token, the mean of the patch
tokens, and both concatenated.

    KERAS_BACKEND=tensorflow python examples/papers/linear_probe.py   # or jax, or torch

Other data: `--data folder:PATH --image-size 64`, or `--data tfds:imagenet2012 --preset
mae_base --encoder-depth 12 --decoder-depth 8`. `--validation` is for choosing recipes.
`--five-epochs 0` leaves out the second training and the few-shot episodes.
`--transfer DATA` also probes the encoders on other images, at the same size. `--masks
PRESET` also judges the probe on changed backgrounds: the object is the share
`--object-share` of the patches that this autoencoder attends to most. A command that
was killed continues where it stopped.

Cost: on JAX and one core of an AMD EPYC that other work shared, the training takes 14
minutes a seed for "supervised", 24 for MAE and 31 for MSA, and judging takes 1 to 3
minutes each. `--quick` takes 22 s on PyTorch, 27 s on TensorFlow and 24 s on JAX (two
cores).
Expected result: on Fashion-MNIST the difference MSA − MAE, in points of accuracy, is
+0.5 ± 0.8 for the linear probe, +2.5 ± 0.5 with 10 labels per class, +7.1 ± 1.2 on
crops and −6.3 ± 2.6 on new classes. "supervised", on the classes that it was trained
on, is above both by 2 to 15 points: `docs/results/linear_probe.md`. On CIFAR-10, with
the settings of `docs/results/natural.md` and 100 epochs, it is +6.3 [4.5, 8.1] for
both, +8.5 [0.9, 16.1] for the class token and +14.0 [9.4, 18.5] for kNN.
"""

from study import encoders
from study.digests import digest_of_data
from study.digests import preset_key
from study.protocols import LABELS
from study.protocols import LIMIT
from study.protocols import on_backgrounds
from study.protocols import protocols
from study.protocols import transfer
from study.splits import only
from study.study import Study
from study.tables import cell

from keras_mra import datasets
from keras_mra import evaluation
from keras_mra.evaluation.result import mean_and_deviation
from keras_mra.evaluation.result import table
from keras_mra.models import MAE

SETTINGS = {
    **encoders.SETTINGS,
    "five_epochs": 4,
    "transfer": "",
    "masks": "",
    "object_share": 0.4,
}
QUICK = {**encoders.QUICK, "five_epochs": 0}


def main():
    study = Study(__doc__, SETTINGS, QUICK)
    base, novel = unseen_classes(study)
    # Their errors must not come after the training.
    other = masks = None
    if study.args.transfer:
        other = study.load(study.args.transfer, study.data.image_shape[0])
    if study.args.masks:
        masks = object_masks(study)

    def judge(mae, name, seed):
        few_shot_encoder = None
        if novel is not None:
            epochs = study.args.five_epochs
            few_shot_encoder, _ = encoders.trained(study, name, seed, base, epochs)
        return protocols(mae, few_shot_encoder, study.data, novel)

    runs, curves = compare_with_pixels(
        study,
        "probes of",
        judge,
        lambda: protocols(flat, flat, study.data, novel),
        five_epochs=study.args.five_epochs,
        labels=LABELS,
    )
    notes = "Accuracy in %"
    if novel is not None:
        notes += (
            f". Few-shot episodes are of classes held out "
            f"({', '.join(novel.class_names)}). For them the encoders are trained a "
            f"second time, on the other classes, for {study.args.five_epochs} epochs"
        )
    found = {"runs": runs}
    tables = {
        f"## Clean images\n\n{notes}.": rows(runs, "clean"),
        "## Changed test images, linear probe of both, trained on clean images": (
            rows(runs, "changed")
        ),
    }
    if other is not None:
        found["transfer"] = on_other_data(study, other)
        heading = f"## Features on {study.args.transfer}"
        tables[heading] = rows(found["transfer"], "clean")
    if masks is not None:
        found["backgrounds"] = with_changed_backgrounds(study, masks)
        heading = "## Backgrounds, linear probe of both, trained on clean images"
        tables[heading] = rows(found["backgrounds"], "clean")
    tables["## Minutes a seed"] = minutes(runs, curves)
    study.write(
        study.record(curves=curves, **found), tables, encoders.plot_training(curves)
    )


def compare_with_pixels(study, title, judge, of_pixels, **settings):
    """Judges raw pixels, and every encoder from every seed.

    Args:
        study, title, judge, **settings: As in `encoders.compare`.
        of_pixels: Function without arguments, the judgement of raw pixels.

    Returns:
        `(runs, curves)`, as in `encoders.compare`.
    """
    runs, curves = encoders.compare(study, title, judge, **settings)
    pixels = study.runs(f"{title} raw pixels", settings, lambda _: of_pixels())
    return {"raw pixels": [pixels], **runs}, curves


def on_other_data(study, other):
    """The accuracies on `Splits` of other data, as lists for each encoder."""
    runs, _ = compare_with_pixels(
        study,
        "transfer of",
        lambda mae, *_: {"clean": transfer(mae, other)},
        lambda: {"clean": transfer(flat, other)},
        transfer=[study.args.transfer, digest_of_data(other)],
        labels=LABELS,
    )
    return runs


def object_masks(study):
    """Masks of what the autoencoder of `--masks` attends to in the test images."""
    images, _ = datasets.in_memory(study.data.test, limit=LIMIT)
    attention = MAE.from_preset(study.args.masks)
    share = study.args.object_share
    return evaluation.attended_masks(attention, images, mask_ratio=1 - share)


def with_changed_backgrounds(study, masks):
    """The accuracies on changed backgrounds, as lists for each encoder."""
    data = study.data
    runs, _ = compare_with_pixels(
        study,
        "backgrounds of",
        lambda mae, *_: {"clean": on_backgrounds(mae, data, masks)},
        lambda: {"clean": on_backgrounds(flat, data, masks)},
        masks=preset_key(study.args.masks),
        object_share=study.args.object_share,
    )
    return runs


def unseen_classes(study):
    """Splits the classes in two halves, to train on and for few-shot episodes.

    Returns:
        Pair of `Splits`, or of `None` where there are no episodes.
    """
    names = study.data.class_names
    if len(names) < 4 or not study.args.five_epochs:
        return None, None
    return only(study.data, names[::2]), only(study.data, names[1::2])


def flat(images):
    """The pixels of images as features, `(images, height * width * channels)`."""
    return images.reshape(len(images), -1) / 255


def rows(runs, group):
    """A table of one group of accuracies, with a column for each encoder."""
    paired = {"MAE", "MSA"} <= set(runs)
    names = max((its_runs[0][group] for its_runs in runs.values()), key=len)
    found = [("", *runs, *(["MSA − MAE"] if paired else []))]
    for name in names:
        shares = {
            encoder: [run[group][name] for run in its_runs if name in run[group]]
            for encoder, its_runs in runs.items()
        }
        cells = [cell(values) if values else "–" for values in shares.values()]
        if paired:
            pairs = zip(shares["MAE"], shares["MSA"])
            cells.append(cell([msa - mae for mae, msa in pairs], signed=True))
        found.append((name, *cells))
    return table(found)


def minutes(runs, curves):
    """A table of the minutes that the training and the judging took."""
    found = [("", "training", "judging, with the second training")]
    for name, its_curves in curves.items():
        seconds = [
            [sum(curve.get("seconds", [0])) for curve in its_curves],
            [run["seconds"] for run in runs[name]],
        ]
        cells = [mean_and_deviation([s / 60 for s in column]) for column in seconds]
        found.append((name, *cells))
    return table(found)


if __name__ == "__main__":
    main()
