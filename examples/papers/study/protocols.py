"""All protocols for frozen features, run on one encoder and one data set."""

import numpy as np

from keras_mra import datasets
from keras_mra import evaluation
from keras_mra.evaluation.background_reliance import VERSIONS
from keras_mra.evaluation.fit_probe import fit_probe

# Labelled images of each class: 50 and 500 are 1 % and 10 % of CIFAR-10. Then shots,
# queries and classes of an episode.
LABELS, SHOTS, QUERIES, WAYS = (10, 50, 100, 500), (1, 5), 15, 5
NEIGHBOURS = (1, 5, 20)
# The most bytes of test images, which are held in memory.
LIMIT = 16 * 2**30


def protocols(encoder, few_shot_encoder, data, novel):
    """Measures the accuracy of an encoder's features by every protocol.

    All encoders are judged with the same labelled images, episodes and changes of the
    test images. Protocols that need more images than there are are left out. Episodes
    have fewer classes or queries if the data set has too few.

    Args:
        encoder: As in `evaluation.features`.
        few_shot_encoder: An encoder that was trained without the classes of `novel`.
        data: `Splits`.
        novel: `Splits` of the classes of the few-shot episodes, or `None` for no
            episodes.

    Returns:
        Dict that JSON can hold: `clean` and `changed` are dicts from names to
        accuracies on clean and on changed test images, and `protocols` is a list of
        the protocols' results.
    """
    extract = evaluation.FeatureExtractor(encoder)
    images, labels = datasets.in_memory(data.test, limit=LIMIT)
    train, test = features(extract, data.train), (extract(images), labels)
    clean, full = {}, []
    if extract.mae is not None:
        dim = extract.mae.encoder_dim
        for name, half in {"class": np.s_[:, :dim], "mean": np.s_[:, dim:]}.items():
            halves = ((values[half], labels) for values, labels in (train, test))
            full.append(evaluation.linear_probe(None, *halves))
            clean[f"linear probe, {name}"] = full[-1].accuracy
    changed = evaluation.invariance(extract, train, (images, labels))
    clean["linear probe, both"] = changed.accuracy["clean"]  # the same probe
    shares, results = _neighbours_and_few_labels(train, test)
    clean |= shares
    full += [changed, *results]
    queries = 0
    if novel is not None:
        queries = np.bincount(novel.test.all_labels()).min() - max(SHOTS)
    if queries > 0:
        few = evaluation.few_shot(
            few_shot_encoder,
            datasets.in_memory(novel.test, limit=LIMIT),
            ways=min(WAYS, novel.num_classes),
            shots=SHOTS,
            queries=min(QUERIES, int(queries)),
        )
        clean |= {
            f"{few.ways}-way {n}-shot": share for n, share in few.accuracy.items()
        }
        full.append(few)
    return {
        "clean": clean,
        "changed": {k: v for k, v in changed.accuracy.items() if k != "clean"},
        "protocols": [result.to_dict() for result in full],
    }


def transfer(encoder, data):
    """Measures the accuracy of an encoder's features on images of another source.

    Args:
        encoder: As in `evaluation.features`.
        data: `Splits` of the other source, of the size that the encoder takes.

    Returns:
        Dict from the names of protocols to accuracies.
    """
    extract = evaluation.FeatureExtractor(encoder)
    train, test = features(extract, data.train), features(extract, data.test)
    probe = evaluation.linear_probe(None, train, test)
    shares, _ = _neighbours_and_few_labels(train, test)
    return {"linear probe, both": probe.accuracy, **shares}


def on_backgrounds(encoder, data, masks):
    """Measures a linear probe on test images whose backgrounds are changed.

    Args:
        encoder: As in `evaluation.features`.
        data: `Splits`.
        masks: As in `evaluation.background_reliance`, of the test images.

    Returns:
        Dict from the versions of the images to accuracies.
    """
    extract = evaluation.FeatureExtractor(encoder)
    probe = fit_probe(*features(extract, data.train), C=1.0)

    def scores(images):
        return np.eye(data.num_classes)[probe.predict(extract(images))]

    test = datasets.in_memory(data.test, limit=LIMIT)
    found = evaluation.background_reliance(scores, test, masks)
    return {VERSIONS[version]: 1 - error for version, error in found.error.items()}


def _neighbours_and_few_labels(train, test):
    """Accuracies of features by kNN and with few labels, and the protocols' results."""
    sizes = np.bincount(train[1])
    knn = evaluation.knn(None, train, test, [k for k in NEIGHBOURS if k < sizes.sum()])
    shares = {f"kNN, k = {k}": share for k, share in knn.accuracy.items()}
    counts = [count for count in LABELS if count <= sizes.min()]
    if not counts:
        return shares, [knn]
    low = evaluation.low_shot(None, train, test, counts)
    shares |= {f"{n} labels per class": share for n, share in low.accuracy.items()}
    return shares, [knn, low]


def features(extract, dataset):
    """Computes the features of a data set that may not fit into memory.

    Args:
        extract: `FeatureExtractor`.
        dataset: `EpochDataset` of images and labels.

    Returns:
        `(features, labels)`: arrays of shapes `(samples, dim)` and `(samples,)`, in the
        order of the data set.
    """
    size, found = 1024, []
    for start in range(0, dataset.num_samples, size):
        chosen = np.arange(start, min(start + size, dataset.num_samples))
        images, labels = dataset.batch(chosen)
        found.append((extract(images), labels))
    return tuple(np.concatenate(parts) for parts in zip(*found))
