"""Images by name: arrays that fit in memory, folders and TFDS sets that stream."""

from keras_mra.datasets.array_dataset import ArrayDataset
from keras_mra.datasets.epoch_dataset import EpochDataset
from keras_mra.datasets.epoch_dataset import SetEpoch
from keras_mra.datasets.folder_dataset import FolderDataset
from keras_mra.datasets.loading import GRAMMAR
from keras_mra.datasets.loading import Dataset
from keras_mra.datasets.loading import load
from keras_mra.datasets.subsets import MEMORY
from keras_mra.datasets.subsets import Relabelled
from keras_mra.datasets.subsets import Subset
from keras_mra.datasets.subsets import bytes_in_memory
from keras_mra.datasets.subsets import in_memory
from keras_mra.datasets.unavailable import DatasetUnavailable

__all__ = [
    "GRAMMAR",
    "MEMORY",
    "ArrayDataset",
    "Dataset",
    "DatasetUnavailable",
    "FolderDataset",
    "EpochDataset",
    "Relabelled",
    "SetEpoch",
    "Subset",
    "bytes_in_memory",
    "in_memory",
    "load",
]
