"""Augmented copies of a folder of images."""

from keras_mra.augment.augment_folder import augment_folder
from keras_mra.augment.augment_report import AugmentReport

__all__ = [
    "AugmentReport",
    "augment_folder",
]
