"""Linear probe and other protocols: MAE, MSA, supervised and random encoders.

*Teaching Masked Autoencoder With Strong Augmentations* (MSA, TNNLS 2025), linear
probing, where ImageNet-1k gains 6.1 points over MAE. Encoders are frozen; their class
token, the mean of the patches' tokens, or both, one beside the other, are judged.

    KERAS_BACKEND=tensorflow python examples/linear_probe.py   # or jax, or torch

Other data: `--data folder:PATH --image-size 64`; `--data tfds:imagenet2012 --preset
mae_base --encoder-depth 12 --decoder-depth 8`. Recipes are chosen under `--validation`.
`--five-epochs 0` leaves out the second training and few-shot episodes. A killed command
continues where it was.

Cost: on JAX and one core of an AMD EPYC that other work shared, 14 minutes a seed for
"supervised", 24 for MAE, 31 for MSA, and 1 to 3 each to judge; `--quick` 22 s on
PyTorch, 27 on TensorFlow, 24 on JAX (two cores).
Expected result: on Fashion-MNIST, in points of accuracy, MSA − MAE is +0.5 ± 0.8 in the
linear probe, +2.5 ± 0.5 with 10 labels per class, +7.1 ± 1.2 on crops, −6.3 ± 2.6 on
new classes; "supervised", on the classes it has seen, is above both by 2 to 15:
`docs/results/linear_probe.md`.
"""

from study import encoders
from study.protocols import protocols
from study.splits import only
from study.study import Study

from keras_mra.evaluation.results import mean_and_deviation
from keras_mra.evaluation.results import table

SETTINGS = {**encoders.SETTINGS, "five_epochs": 4}
QUICK = {**encoders.QUICK, "five_epochs": 0}


def main():
    study = Study(__doc__, SETTINGS, QUICK)
    base, novel = unseen_classes(study)

    def judge(mae, name, seed):
        few_shot_encoder = None
        if novel is not None:
            epochs = study.args.five_epochs
            few_shot_encoder, _ = encoders.trained(study, name, seed, base, epochs)
        return protocols(mae, few_shot_encoder, study.data, novel)

    runs, curves = encoders.compare(
        study, "probes of", judge, five_epochs=study.args.five_epochs
    )
    pixels = study.runs(
        "probes of raw pixels", {}, lambda _: protocols(flat, flat, study.data, novel)
    )
    runs = {"raw pixels": [pixels], **runs}
    notes = "Accuracy in %"
    if novel is not None:
        notes += (
            f". Few-shot episodes are of classes held out "
            f"({', '.join(novel.class_names)}); for them the encoders are trained a "
            f"second time, on the others and for {study.args.five_epochs} epochs"
        )
    study.write(
        study.record(runs=runs, curves=curves),
        {
            f"## Clean images\n\n{notes}.": rows(runs, "clean"),
            "## The probe of both, trained on clean images, tested on changed ones": (
                rows(runs, "changed")
            ),
            "## Minutes a seed": minutes(runs, curves),
        },
        encoders.plot_training(curves),
    )


def unseen_classes(study):
    """Data of every other class, to train on, and of the rest, or twice `None`."""
    names = study.data.class_names
    if len(names) < 4 or not study.args.five_epochs:
        return None, None
    return only(study.data, names[::2]), only(study.data, names[1::2])


def flat(images):
    """Raw pixels as features."""
    return images.reshape(len(images), -1) / 255


def rows(runs, group):
    """The table of one group of accuracies, a column for each encoder."""
    paired = {"MAE", "MSA"} <= set(runs)
    names = max((its_runs[0][group] for its_runs in runs.values()), key=len)
    found = [("", *runs, *(["MSA − MAE"] if paired else []))]
    for name in names:
        shares = {
            encoder: [100 * run[group][name] for run in its_runs if name in run[group]]
            for encoder, its_runs in runs.items()
        }
        cells = [
            mean_and_deviation(values) if values else "–" for values in shares.values()
        ]
        if paired:
            pairs = zip(shares["MAE"], shares["MSA"])
            differences = [msa - mae for mae, msa in pairs]
            cells.append(mean_and_deviation(differences, signed=True))
        found.append((name, *cells))
    return table(found)


def minutes(runs, curves):
    """How long training, and judging with the second training, took."""
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
