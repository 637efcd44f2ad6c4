"""FixMatch on few labels, with one strong view or another."""

import keras

from study import classifiers
from study.augmentations import augmentation
from study.augmentations import flip_and_shift
from study.augmentations import parts
from study.fixmatch import FixMatch
from study.paired_batches import PairedBatches
from study.splits import draw

# "labels only" is the baseline; the other arms name the strong view.
SETTINGS = dict(
    arms=["labels only", "RandAugment", "MRA", "RandAugment+MRA"],
    labels_per_class=[4, 25, 100],
    network="small_cnn",
    steps=1000,
    batch_size=16,
    mu=4,
    threshold=0.95,
    unlabelled_weight=1.0,
    learning_rate=1e-3,
    mask_ratio=0.4,
    rate=1.0,
    temperature=1.0,
)
QUICK = dict(
    arms=["labels only", "MRA"], labels_per_class=[4], steps=10, batch_size=8, mu=2
)
# Epochs, which are of equal steps, so that a learning curve has points.
EPOCHS = 10


def run(study, arm, count, seed):
    """Trains with one strong view, or finds what was trained before.

    Args:
        study: `Study` with `SETTINGS`.
        arm: `"labels only"`, or as in `augmentation`, of layers on images alone.
        count: Int, labelled images of each class.
        seed: Int.

    Returns:
        Dict: `test error` and the learning `curve`.
    """
    data = study.data
    left_out = ("arms", "labels_per_class")
    decides = {"arm": arm, "count": count, "seed": seed} | {
        key: value for key, value in study.settings.items() if key not in left_out
    }

    def train(folder):
        network = classifiers.build_network(
            study.args.network, data.image_shape, data.num_classes, (0, 255), seed
        )
        alone = arm == "labels only"
        model = FixMatch(
            network,
            weak=keras.layers.Pipeline(flip_and_shift(1000 + seed)),
            strong=keras.layers.Pipeline(_strong(study, arm, seed)),
            threshold=study.args.threshold,
            unlabelled_weight=0.0 if alone else study.args.unlabelled_weight,
        )
        batches = PairedBatches(
            draw(data.train, count, seed),
            data.train,
            batch_size=study.args.batch_size,
            # Without unlabelled images there is nothing to draw but one, unused.
            mu=1 if alone else study.args.mu,
            seed=seed,
        )
        batches.limit(max(1, study.args.steps // EPOCHS))
        curve = classifiers.fit(
            model, network, batches, data.test, EPOCHS, study.args.learning_rate
        )
        predicted, labels = classifiers.predictions(network, data.test)
        return {"test error": float((predicted != labels).mean()), "curve": curve}

    return study.runs(f"fixmatch {arm}", decides, train)


def _strong(study, arm, seed):
    """The layers of a strong view, which begins as the weak one does."""
    layers = flip_and_shift(2000 + seed)
    if arm == "labels only":
        return layers
    uses_mra = any(part.startswith("MRA") for part in parts(arm))
    return layers + augmentation(
        arm,
        study.data.image_shape,
        (0, 255),
        study.mae if uses_mra else None,
        study.args.mask_ratio,
        study.args.rate,
        study.args.temperature,
        seed=seed,
    )
