"""The influence of single settings on the error with MRA.

MRA (arXiv 2206.04846), figure 3 and the ablation of model sizes. One setting at a time
changes: the mask ratio of pretraining, the share that the augmentation repaints, the
noise on the choice of patches, the width of the autoencoder and the depth of its
decoder. Each autoencoder is pretrained here, on the training images without labels. The
classifier is that of `supervised.py`.

    KERAS_BACKEND=tensorflow python examples/papers/ablations.py   # or jax, or torch

Cost: on TensorFlow and one core of an AMD EPYC, 27 minutes for each of 8 autoencoders
(extrapolated from three of ten epochs) and 78 s for each of 45 classifiers. `--quick`
takes 18 s on PyTorch, 29 s on TensorFlow and 22 s on JAX (two cores).
Expected result: unknown. The whole experiment has not been run.
"""

from matplotlib.figure import Figure
from study import arms
from study.autoencoders import pretrained
from study.study import Study
from study.tables import comparison

from keras_mra.classifiers.predictions import classification_error

# The first value of a list is used while other settings change.
SETTINGS = {
    **arms.SETTINGS,
    "arm": "flip+crop+MRA",
    "pretraining_epochs": 10,
    "pretraining_mask_ratios": [0.5, 0.25, 0.75, 0.9],
    "augmentation_ratios": [0.4, 0.2, 0.6, 0.8],
    "temperatures": [0.0, 0.5, 1.0, 10.0],
    "widths": [96, 48, 192],
    "decoder_depths": [2, 1, 4],
}
QUICK = {
    **arms.QUICK,
    "pretraining_epochs": 1,
    "pretraining_mask_ratios": [0.5],
    "augmentation_ratios": [0.4, 0.8],
    "temperatures": [0.0],
    "widths": [48],
    "decoder_depths": [2],
}
# From options to the argument of `MAE`, or the setting of the classifier, that each
# changes.
PRETRAINING = {
    "pretraining_mask_ratios": "mask_ratio",
    "widths": "encoder_dim",
    "decoder_depths": "decoder_depth",
}
AUGMENTATION = {"augmentation_ratios": "mask_ratio", "temperatures": "temperature"}


def main():
    study = Study(__doc__, SETTINGS, QUICK)
    baseline = {"none": [judge(study, "none", seed) for seed in study.args.seeds]}
    found = {}
    for option in [*PRETRAINING, *AUGMENTATION]:
        found[option] = {
            value: [run(study, option, value, seed) for seed in study.args.seeds]
            for value in sorted(getattr(study.args, option))
        }
    tables = {
        f"## Error by {option.replace('_', ' ')[:-1]}": comparison(
            baseline | {str(value): runs for value, runs in runs.items()}, "none"
        )
        for option, runs in found.items()
    }
    study.write(
        study.record(baseline=baseline, runs=found), tables, {"": draw(baseline, found)}
    )


def run(study, option, value, seed):
    """Pretrains with one setting changed, and trains a classifier with it."""
    arguments = {
        name: value if key == option else getattr(study.args, key)[0]
        for key, name in PRETRAINING.items()
    }
    epochs = study.args.pretraining_epochs
    folder = study.runs.place("autoencoder", arguments | {"epochs": epochs})
    mae = pretrained(study.data, folder, epochs, **arguments)
    changed = {
        name: value if key == option else getattr(study.args, key)[0]
        for key, name in AUGMENTATION.items()
    }
    return judge(study, study.args.arm, seed, folder.name, mae, **changed)


def judge(study, arm, seed, name="classifier", mae=None, **changed):
    """The test error of a classifier that is trained with some settings changed."""
    network, _ = arms.trained(study, arm, seed, name=name, mae=mae, **changed)
    return {"test error": classification_error(network, study.data.test)}


def draw(baseline, found):
    """Draws the error for each setting, and the error without augmentation."""
    figure = Figure(figsize=(3 * len(found), 3), layout="constrained")
    axes = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for axis, (option, runs) in zip(axes, found.items()):
        for place, its_runs in enumerate(runs.values()):
            errors = [100 * run["test error"] for run in its_runs]
            axis.plot([place] * len(errors), errors, "o", color="C0", alpha=0.7)
        errors = [100 * run["test error"] for run in baseline["none"]]
        axis.axhline(sum(errors) / len(errors), color="gray", linestyle="--")
        axis.set_xticks(range(len(runs)), [f"{value:g}" for value in runs])
        axis.set_xlabel(option.replace("_", " ")[:-1])
    axes[0].set_ylabel("test error, %")
    figure.suptitle("Dots: one per seed. Dashed line: no augmentation.")
    return figure


if __name__ == "__main__":
    main()
