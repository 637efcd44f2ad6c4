"""MRA in a part of the training, and as a second view of each image.

An augmentation is used on all images of the first or the second half of the training,
or on a share that rises or falls. With its default `--rate` of 0.5, the arm "MRA" has
as many augmented images, in all parts of the training. In "consistency", the classifier
learns from each image and from its augmented view, with a loss that pulls the two
predictions together. It has as many steps, with two images for one.

    KERAS_BACKEND=tensorflow python examples/papers/schedules.py   # or jax, or torch

`--arms RandAugment` tries another augmentation, which must keep the labels. Its own arm
augments all images. `--validation` judges on a tenth of the training images.

Cost: with 40 labels per class of CIFAR-10, `resnet20` and 200 epochs, 8 minutes of one
core of an AMD EPYC for each use that other work did not slow down (TensorFlow).
Expected result: there, with one seed, the first and the second half of the training
have an error of 57.7 %, a rising share 58.3 and a falling one 60.1. MRA throughout has
58.2, and none 58.7. Consistency does not gain on validation images:
`docs/results/natural_classifiers.md`.
"""

import keras
from study import arms
from study.augmentations import BLENDS
from study.augmentations import augmentation
from study.augmentations import parts
from study.augmentations import uses_mra
from study.consistency import Consistency
from study.runs import over_seeds
from study.splits import draw
from study.study import Study
from study.two_views import SCHEDULES
from study.two_views import ScheduledViews
from study.two_views import TwoViews

from keras_mra import checks
from keras_mra.classifiers.flip_crop import flip_crop
from keras_mra.classifiers.make_optimizer import make_optimizer
from keras_mra.classifiers.networks.build_network import build_network
from keras_mra.classifiers.predictions import classification_error
from keras_mra.classifiers.train_classifier import fit

USES = [*SCHEDULES, "consistency"]
SETTINGS = {
    "arms": ["MRA"],
    "uses": USES,
    "consistency": 1.0,
    **arms.SETTINGS,
}
QUICK = {"uses": ["rising", "consistency"], **arms.QUICK}


def main():
    study = Study(__doc__, SETTINGS, QUICK)
    check(study)
    compared = {"none": ("none", None)}
    for arm in study.args.arms:
        compared[arm] = (arm, None)
        compared.update({f"{arm}, {use}": (arm, use) for use in study.args.uses})

    def judged(name, seed):
        arm, use = compared[name]
        if use is None:
            network, result = arms.trained(study, arm, seed)
            error = classification_error(network, study.data.test)
        else:
            result = train(study, arm, use, seed)
            error = result["test error"]
        return {"test error": error}, result["curve"]

    arms.write_errors(study, *over_seeds(list(compared), study.args.seeds, judged))


def check(study):
    """Refuses uses that do not exist, and arms that cannot make a view."""
    for use in study.args.uses:
        checks.choice("uses", use, USES)
    for arm in study.args.arms:
        unfit = [part for part in parts(arm) if part in (*BLENDS, "MRA tail")]
        if unfit:
            raise ValueError(
                "`--arms` must keep the labels and treat all classes alike. "
                f"Received: {arm!r}, with {unfit[0]!r}"
            )
    if study.settings["attention"]:
        arms.check_attention(study)


def train(study, arm, use, seed):
    """Trains with one use of an augmentation, or loads the result of an earlier call.

    Args:
        study: `Study` with `SETTINGS`.
        arm: As in `augmentation`, one that `check` accepts.
        use: Key of `SCHEDULES`, or `"consistency"`.
        seed: Int, decides the weights, the labelled images and every random draw.

    Returns:
        Dict of the `test error` and the learning `curve`.
    """
    data, settings = study.data, {**study.settings, "rate": 1.0}
    decides = {**arms.decided_by(study, settings, arm, seed), "use": use}
    if use == "consistency":
        decides["consistency"] = settings["consistency"]

    def run(folder):
        mae = study.mae if uses_mra(arm) else None
        network = build_network(
            settings["network"], data.image_shape, data.num_classes, (0, 255), seed
        )
        images = draw(
            data.train,
            settings["labels_per_class"] or None,
            seed,
            settings["batch_size"],
        )
        layers = augmentation(
            arm,
            data.image_shape,
            (0, 255),
            mae,
            settings,
            seed=seed,
            attention_model=arms.attention_model(settings["attention"], arm, mae),
        )
        base = flip_crop if decides["base"] == "flip_crop" else None
        views = images, layers, data.num_classes, (0, 255), base
        epochs, smoothing = settings["epochs"], settings["label_smoothing"]
        if use == "consistency":
            batches = TwoViews(*views)
            model = Consistency(network, settings["consistency"], smoothing)
            loss = None
        else:
            batches = ScheduledViews(use, epochs, *views)
            model = network
            loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
        optimizer = make_optimizer(
            settings["optimizer"],
            settings["learning_rate"],
            epochs * len(batches),
            settings["warmup_epochs"] * len(batches),
            settings["weight_decay"],
        )
        curve = fit(model, network, batches, data.test, epochs, optimizer, loss)
        found = classification_error(network, data.test)
        return {"test error": found, "curve": curve}

    return study.runs(f"schedule {arm}, {use}", decides, run)


if __name__ == "__main__":
    main()
