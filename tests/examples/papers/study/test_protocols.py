"""All protocols at once, for an encoder's features."""

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.small_study import SHAPE
from helpers.small_study import coloured
from helpers.small_study import coloured_splits
from study import protocols

from keras_mra import datasets
from keras_mra.evaluation import FeatureExtractor
from keras_mra.evaluation import linear_probe
from keras_mra.models import MAE

pytestmark = pytest.mark.usefixtures("quick_compilation")


def flat(images):
    return images.reshape(len(images), -1) / 255


def test_protocols_measure_what_each_measures_alone():
    data = coloured_splits(train=200, test=96)
    found = protocols.protocols(flat, flat, data, coloured_splits(test=40, classes=2))
    assert set(found["clean"]) == {
        "linear probe, both", "kNN, k = 1", "kNN, k = 5", "kNN, k = 20",
        "10 labels per class", "50 labels per class", "2-way 1-shot", "2-way 5-shot",
    }  # fmt: skip
    assert {"shift", "border"} <= set(found["changed"]) and "clean" not in found[
        "changed"
    ]
    train, test = datasets.in_memory(data.train), datasets.in_memory(data.test)
    alone = linear_probe(flat, train, test).accuracy
    assert found["clean"]["linear probe, both"] == alone > 0.9
    (few,) = (p for p in found["protocols"] if p["protocol"] == "few_shot")
    assert (few["ways"], few["queries"]) == (2, 15)


def test_protocols_leave_out_what_there_are_too_few_images_for():
    data = coloured_splits(train=16, test=16)
    found = protocols.protocols(flat, flat, data, coloured_splits(test=14, classes=2))
    assert set(found["clean"]) == {
        "linear probe, both", "kNN, k = 1", "kNN, k = 5", "2-way 1-shot", "2-way 5-shot"
    }  # fmt: skip
    (few,) = (p for p in found["protocols"] if p["protocol"] == "few_shot")
    assert few["queries"] == 2
    found = protocols.protocols(flat, None, data, None)
    assert not any("shot" in name for name in found["clean"])


def test_transfer_is_what_the_probes_measure_on_the_other_images():
    data = coloured_splits(train=200, test=96)
    found = protocols.transfer(flat, data)
    assert set(found) == {
        "linear probe, both", "kNN, k = 1", "kNN, k = 5", "kNN, k = 20",
        "10 labels per class", "50 labels per class",
    }  # fmt: skip
    assert found.items() <= protocols.protocols(flat, None, data, None)["clean"].items()


def test_backgrounds_change_what_a_probe_of_the_whole_image_sees():
    data = coloured_splits(train=200, test=96)
    masks = np.zeros((96, 8, 8))
    masks[:, 2:4, 2:4] = 1  # a sixteenth of the image
    found = protocols.on_backgrounds(flat, data, masks)
    assert found["as it is"] > 0.9
    # The colour of the background decides: another class's misleads.
    assert found["background of another image of the class"] > 0.8
    assert found["background of an image of another class"] < 0.3


def test_features_are_those_of_all_images_in_order():
    mae = MAE(image_shape=SHAPE, patch_size=4, **TINY)
    extract = FeatureExtractor(mae, batch_size=32)
    dataset = datasets.ArrayDataset(*coloured(70), batch_size=64)
    found, labels = protocols.features(extract, dataset)
    np.testing.assert_array_equal(labels, dataset.labels)
    np.testing.assert_allclose(found, extract(dataset.images), atol=1e-5)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
