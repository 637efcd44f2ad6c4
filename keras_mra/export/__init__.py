"""Export: models without augmentation, augmentors as files and for PyTorch's data."""

from keras_mra.export.augmentor import export_augmentor
from keras_mra.export.strip import strip_augmentation
from keras_mra.export.torch_transform import TorchTransform

__all__ = [
    "TorchTransform",
    "export_augmentor",
    "strip_augmentation",
]
