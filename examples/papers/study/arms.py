"""The arms of an experiment: one classifier trained with different augmentations."""

from keras_mra import attention_of
from keras_mra import checks
from keras_mra.classifiers.flip_crop import flip_crop
from keras_mra.classifiers.networks.build_network import build_network
from keras_mra.classifiers.train_classifier import train_classifier
from keras_mra.models import MAE
from keras_mra.visualization import plot_learning_curves
from study.augmentations import STRENGTHS
from study.augmentations import augmentation
from study.augmentations import parts
from study.augmentations import strengths_of
from study.augmentations import uses_attention
from study.augmentations import uses_mra
from study.digests import preset_key
from study.imbalance import class_groups
from study.runs import over_seeds
from study.splits import draw
from study.tables import comparison

# The arms that most experiments compare.
ARMS = [
    "none", "flip+crop", "Cutout", "MixUp", "CutMix", "RandAugment", "TrivialAugment",
    "AugMix", "MRA", "MRA random", "MRA low attention", "MRA grey", "AttentiveCutMix",
    "flip+crop+MRA", "RandAugment+MRA",
]  # fmt: skip
# How a classifier is trained. `network_recipes.RECIPES` has other settings for some
# networks.
TRAINING = dict(
    epochs=60,
    learning_rate=1e-3,
    optimizer="adam",
    warmup_epochs=0,
    weight_decay=0.0,
    label_smoothing=0.0,
)
# What decides a classifier. The base is what every arm begins with: "flip_crop",
# "none", or "auto" for flips and crops of colour images. `attention` is a preset that
# chooses MRA's patches instead of the autoencoder; "" is none.
SETTINGS = dict(
    network="small_cnn",
    labels_per_class=40,
    batch_size=50,
    base="auto",
    attention="",
    **TRAINING,
    **{key: value for own in STRENGTHS.values() for key, value in own.items()},
)
# So few steps show only that everything runs.
QUICK = dict(labels_per_class=10, epochs=2, batch_size=20)
QUICK_ARMS = ["none", "CutMix", "flip+crop+MRA"]


def compare(
    study, title, judge, chosen=None, name="classifier", tuned=None, **settings
):
    """Trains and judges every arm from every seed.

    Args:
        study: `Study` whose settings include `SETTINGS` and `arms`.
        title: String, the name under which the judgements are kept.
        judge: Function from a trained network to a dict from names to shares, or to
            dicts of shares.
        chosen: Function from a seed to the images to train on, or `None`, as in
            `trained`.
        name: As in `trained`.
        tuned: Dict from arms to dicts of settings that differ from the study's, or
            `None`.
        **settings: The settings that the judgement depends on, beside those of the
            classifier.

    Returns:
        `(runs, curves)`: dicts from arms to the judgements and to the learning
        curves, as lists with one entry per seed.
    """

    if study.settings["attention"]:
        check_attention(study)

    def judged(arm, seed):
        images = None if chosen is None else chosen(seed)
        changed = (tuned or {}).get(arm, {})
        network, result = trained(study, arm, seed, images, name, **changed)
        own = decided_by(study, study.settings | changed, arm, seed)
        decides = {**own, "name": name, **settings}
        found = study.runs(f"{title} {arm}", decides, lambda _: judge(network))
        found.pop("seconds")
        return found, result["curve"]

    return over_seeds(distinct_arms(study), study.args.seeds, judged)


def distinct_arms(study):
    """The arms of a study, as a list of strings.

    If every arm begins with flips and crops, the arms without them are left out that
    would otherwise be trained twice.

    Raises:
        ValueError: If there is no such arm.
    """
    arms = {arm: parts(arm) for arm in study.args.arms}
    if _base(study, study.settings) != "flip_crop":
        return list(arms)
    names = [
        "+".join(part for part in found if part != "flip+crop") or "none"
        for found in arms.values()
    ]
    return list(dict.fromkeys(names))


def write_errors(study, runs, curves, tables=None, **found):
    """Writes a report with one table of errors and the learning curves.

    Args:
        study: `Study`.
        runs, curves: As `compare` returns them.
        tables: Dict from headings to further tables, or `None`.
        **found: Further entries of the record.
    """
    study.write(
        study.record(runs=runs, curves=curves, **found),
        {"## Error": comparison(runs, next(iter(runs))), **(tables or {})},
        {"": plot_learning_curves(curves, "error", "test error")},
    )


def trained(study, arm, seed, chosen=None, name="classifier", mae=None, **changed):
    """Trains a classifier, or loads the one that an earlier call trained.

    All arms of a seed have the same initial weights, images, steps and schedule.

    Args:
        study: `Study` whose settings include `SETTINGS`.
        arm: As in `augmentation`.
        seed: Int, decides the weights, the labelled images and every random draw.
        chosen: `EpochDataset` to train on. `None` draws `labels_per_class` images of
            each class, or takes all for 0.
        name: String. Runs with another `chosen` or `mae` need another name.
        mae: The `MAE` that augments, or `None` for the study's.
        **changed: Settings that differ from the study's.

    Returns:
        `(network, result)`: the `keras.Model`, and a dict of its learning `curve` and
        the `seconds` of its training.
    """
    data, settings = study.data, study.settings | changed
    decides = decided_by(study, settings, arm, seed)
    if uses_mra(arm) and mae is None:
        mae = study.mae
    value_range = mae.value_range if uses_mra(arm) else (0, 255)
    network = build_network(
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
            settings,
            tail=_tail(images.all_labels()),
            seed=seed,
            attention_model=attention_model(settings["attention"], arm, mae),
        )
        curve = train_classifier(
            network,
            images,
            data.test,
            base=flip_crop if decides["base"] == "flip_crop" else None,
            layers=layers,
            value_range=value_range,
            **{key: settings[key] for key in TRAINING},
        )
        network.save_weights(folder / "network.weights.h5")
        return {"curve": curve}

    result = study.runs(name, decides, train)
    # The saved weights are judged, whether this call trained them or found them.
    network.load_weights(study.runs.place(name, decides) / "network.weights.h5")
    return network, result


def decided_by(study, settings, arm, seed):
    """The settings that decide a classifier, without the strengths of other arms."""
    others = {key for own in STRENGTHS.values() for key in own} - strengths_of(arm)
    kept = {key: settings[key] for key in SETTINGS if key not in others}
    if settings["attention"] and uses_attention(arm):
        kept["attention"] = preset_key(settings["attention"])
    else:
        del kept["attention"]
    return {"arm": arm, "seed": seed, **kept, "base": _base(study, settings)}


def attention_model(preset, arm, mae):
    """The attention of a preset to the patches of an `MAE`, if an arm uses it."""
    if not preset or not uses_attention(arm):
        return None
    return attention_of(MAE.from_preset(preset, load_weights=True), mae)


def check_attention(study):
    """Refuses `--attention` before any training."""
    preset = study.settings["attention"]
    used = [arm for arm in distinct_arms(study) if uses_attention(arm)]
    if not used:
        raise ValueError(
            "`--attention` must be used by an arm. Received: "
            f"attention={preset!r}, arms={study.args.arms}"
        )
    try:
        attention_model(preset, used[0], study.mae)
    except ValueError as error:
        raise ValueError(
            "`--attention` must be a preset with weights, for images like those of "
            f"`--data`. Received: attention={preset!r}: {error}"
        ) from error


def _base(study, settings):
    """What every arm begins with, `"flip_crop"` or `"none"`."""
    if settings["base"] != "auto":
        return checks.choice("base", settings["base"], ("flip_crop", "none"))
    return "flip_crop" if study.data.image_shape[-1] == 3 else "none"


def _tail(labels):
    """The classes with a medium number of images, and those with few."""
    groups = class_groups(labels)
    return [*groups["medium"], *groups["few"]]
