"""All protocols for frozen features, run on one encoder and one data set."""

import numpy as np

from keras_mra import datasets
from keras_mra import evaluation

# Labelled images of each class; shots, queries and classes of an episode.
LABELS, SHOTS, QUERIES, WAYS = (10, 50, 100), (1, 5), 15, 5
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
    sizes = np.bincount(train[1])
    clean, full = {}, []
    if extract.mae is not None:
        dim = extract.mae.encoder_dim
        for name, half in {"class": np.s_[:, :dim], "mean": np.s_[:, dim:]}.items():
            halves = ((values[half], labels) for values, labels in (train, test))
            full.append(evaluation.linear_probe(None, *halves))
            clean[f"linear probe, {name}"] = full[-1].accuracy
    changed = evaluation.invariance(extract, train, (images, labels))
    clean["linear probe, both"] = changed.accuracy["clean"]  # the same probe
    knn = evaluation.knn(None, train, test, [k for k in NEIGHBOURS if k < sizes.sum()])
    clean |= {f"kNN, k = {k}": share for k, share in knn.accuracy.items()}
    full += [changed, knn]
    counts = [count for count in LABELS if count <= sizes.min()]
    if counts:
        low = evaluation.low_shot(None, train, test, counts)
        clean |= {f"{n} labels per class": share for n, share in low.accuracy.items()}
        full.append(low)
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
