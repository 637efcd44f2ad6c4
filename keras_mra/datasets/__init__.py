"""Images by name: arrays that fit in memory, folders and TFDS sets that stream."""

from keras_mra.datasets.arrays import ArrayDataset
from keras_mra.datasets.epochs import EpochDataset
from keras_mra.datasets.epochs import SetEpoch
from keras_mra.datasets.folder import FolderDataset
from keras_mra.datasets.loading import GRAMMAR
from keras_mra.datasets.loading import Dataset
from keras_mra.datasets.loading import load
from keras_mra.datasets.unavailable import DatasetUnavailable

__all__ = [
    "GRAMMAR",
    "ArrayDataset",
    "Dataset",
    "DatasetUnavailable",
    "FolderDataset",
    "EpochDataset",
    "SetEpoch",
    "load",
]
