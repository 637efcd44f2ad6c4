"""Export: models without augmentation, and augmentors as files."""

from keras_mra.export.augmentor import export_augmentor
from keras_mra.export.strip import strip_augmentation

__all__ = [
    "export_augmentor",
    "strip_augmentation",
]
