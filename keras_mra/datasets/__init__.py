"""Data sets by name: arrays in memory, and streams of folders and of TFDS."""

from keras_mra.datasets.array_dataset import ArrayDataset
from keras_mra.datasets.dataset import Dataset
from keras_mra.datasets.dataset_unavailable import DatasetUnavailable
from keras_mra.datasets.epoch_dataset import EpochDataset
from keras_mra.datasets.folder_dataset import FolderDataset
from keras_mra.datasets.images_and_masks import images_and_masks
from keras_mra.datasets.in_memory import MEMORY
from keras_mra.datasets.in_memory import bytes_in_memory
from keras_mra.datasets.in_memory import in_memory
from keras_mra.datasets.load import GRAMMAR
from keras_mra.datasets.load import load
from keras_mra.datasets.relabelled import Relabelled
from keras_mra.datasets.sample_photographs import sample_photographs
from keras_mra.datasets.set_epoch import SetEpoch
from keras_mra.datasets.subset import Subset

__all__ = [
    "ArrayDataset",
    "Dataset",
    "DatasetUnavailable",
    "EpochDataset",
    "FolderDataset",
    "GRAMMAR",
    "MEMORY",
    "Relabelled",
    "SetEpoch",
    "Subset",
    "bytes_in_memory",
    "images_and_masks",
    "in_memory",
    "load",
    "sample_photographs",
]
