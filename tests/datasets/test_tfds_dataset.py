"""Data sets of TensorFlow Datasets."""

import importlib
import os

import numpy as np
import pytest

from keras_mra import datasets

pytestmark = pytest.mark.once


def test_tfds_streams_images_of_many_sizes():
    tfds = pytest.importorskip("tensorflow_datasets")
    policy = tfds.testing.MockPolicy.USE_CODE
    with tfds.testing.mock_data(num_examples=6, policy=policy):
        data = datasets.load(
            "tfds:caltech_birds2011", image_shape=(16, 24, 3), batch_size=3
        )
        images, labels = data.train[0]
        assert images.shape == (3, 16, 24, 3) and images.dtype == np.uint8
        assert labels.shape == (3,) and len(data.class_names) == 200
        assert (data.train[0][0] == images).all()
        assert datasets.load("tfds:mnist").image_shape == (28, 28, 1)
        assert datasets.load("tfds:mnist").train[0][0].shape == (6, 28, 28, 1)
        assert datasets.load("tfds:caltech_birds2011").image_shape == (224, 224, 3)


def test_tfds_builder_of_ones_own(tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    # Its environment variable counts only before it is imported.
    constants = importlib.import_module("tensorflow_datasets.core.constants")
    monkeypatch.setattr(constants, "DATA_DIR", str(tmp_path))

    class TwoGrays(tfds.core.GeneratorBasedBuilder):
        # TFDS would search the packages of a dotted name for resources.
        __module__ = "two_grays"
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "label": tfds.features.ClassLabel(names=["dark", "light"]),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, downloads):
            return {"train": self._generate_examples(6)}

        def _generate_examples(self, count):
            for i in range(count):
                image = np.full((8 + i, 10, 3), 40 * i, "uint8")
                yield i, {"image": image, "label": int(i >= 3)}

    data = datasets.load("tfds:two_grays", image_shape=(8, 8, 3), crop="center")
    assert data.class_names == ("dark", "light") and data.test is None
    images, labels = datasets.in_memory(data.train)
    grays = images[:, 0, 0, 0]
    assert sorted(grays) == [0, 40, 80, 120, 160, 200]
    np.testing.assert_array_equal(labels, grays >= 120)
    assert data.source.startswith("two_grays") and list(tmp_path.iterdir())
    # The labels alone, whose images are not decoded for that.
    monkeypatch.setattr(data.train, "source", None)
    np.testing.assert_array_equal(data.train.all_labels(), labels)


def test_tfds_name_that_is_not_there(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.setitem(os.environ, "TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(datasets.DatasetUnavailable, match="no_such_set"):
        datasets.load("tfds:no_such_set")
