"""One classifier, trained with one arm's augmentation, from one seed."""

from study import classifiers
from study.augmentations import augmentation
from study.augmentations import parts
from study.comparison import over_seeds
from study.imbalance import class_groups
from study.splits import draw

# What decides a trained classifier. Nothing is tuned for any arm: MRA is the paper's,
# with the mask that the attention chooses, and the others are as Keras has them.
SETTINGS = dict(
    network="small_cnn",
    labels_per_class=40,
    epochs=60,
    batch_size=50,
    learning_rate=1e-3,
    mask_ratio=0.4,
    rate=0.5,
    temperature=0.0,
)
FOR_MRA = ("mask_ratio", "rate", "temperature")
# Steps so few that they show nothing but that everything runs.
QUICK = dict(labels_per_class=10, epochs=2, batch_size=20)


def compare(study, title, judge, chosen=None, name="classifier", **settings):
    """Trains and judges every arm from every seed.

    Args:
        study: `Study` with `SETTINGS`, and `arms`, among its settings.
        title: String, names what is kept of the judgement.
        judge: Function of a trained network, to a dict from names to shares, or to
            dicts of them.
        chosen, name: As in `trained`; `chosen` is a function of the seed.
        **settings: What decides the judgement, beside the classifier.

    Returns:
        `(runs, curves)`: dicts from arms to what was judged and to the learning
        curves, lists with one entry for each seed.
    """

    def judged(arm, seed):
        images = None if chosen is None else chosen(seed)
        network, result = trained(study, arm, seed, images, name)
        decides = {**_decides(study.settings, arm, seed), "name": name, **settings}
        found = study.runs(f"{title} {arm}", decides, lambda _: judge(network))
        found.pop("seconds")
        return found, result["curve"]

    return over_seeds(study.args.arms, study.args.seeds, judged)


def trained(study, arm, seed, chosen=None, name="classifier", mae=None, **changed):
    """Trains a classifier, or finds the one that was trained before.

    All arms of a seed have the same initial weights, images, steps and schedule.

    Args:
        study: `Study` with `SETTINGS` among its settings.
        arm: As in `augmentation`.
        seed: Int, of the weights, of the choice of images and of every draw.
        chosen: `EpochDataset` to train on, or `None` for `labels_per_class` of each
            class (0 for all).
        name: String, sets runs with another `chosen` or `mae` apart.
        mae: `MAE` that augments, or `None` for the study's.
        **changed: Settings other than the study's.

    Returns:
        `(network, result)`: the `keras.Model`, and a dict of its learning `curve`
        and `seconds`.
    """
    data, settings = study.data, study.settings | changed
    decides = _decides(settings, arm, seed)
    uses_mra = _uses_mra(arm)
    if uses_mra and mae is None:
        mae = study.mae
    value_range = mae.value_range if uses_mra else (0, 255)
    network = classifiers.build_network(
        settings["network"], data.image_shape, data.num_classes, value_range, seed
    )

    def train(folder):
        images = chosen
        if images is None:
            count = settings["labels_per_class"] or None
            images = draw(data.train, count, seed, settings["batch_size"])
        layers = augmentation(
            arm,
            data.image_shape,
            value_range,
            mae,
            **{key: settings[key] for key in FOR_MRA},
            tail=_tail(images.all_labels()),
            seed=seed,
        )
        curve = classifiers.train_classifier(
            network,
            images,
            data.test,
            layers=layers,
            value_range=value_range,
            epochs=settings["epochs"],
            learning_rate=settings["learning_rate"],
        )
        network.save_weights(folder / "network.weights.h5")
        return {"curve": curve}

    result = study.runs(name, decides, train)
    # The one that was kept is the one that is judged, on every run.
    network.load_weights(study.runs.place(name, decides) / "network.weights.h5")
    return network, result


def _decides(settings, arm, seed):
    """What decides a classifier, beside the data; MRA's settings where MRA is."""
    left_out = () if _uses_mra(arm) else FOR_MRA
    kept = {key: settings[key] for key in SETTINGS if key not in left_out}
    return {"arm": arm, "seed": seed, **kept}


def _uses_mra(arm):
    return any(part.startswith("MRA") for part in parts(arm))


def _tail(labels):
    """The classes with a medium number of, or few, images."""
    groups = class_groups(labels)
    return [*groups["medium"], *groups["few"]]
