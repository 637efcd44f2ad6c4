"""What leaves this package: models without augmentation, augmentors as files."""

from keras_mra.export.augmentor import export_augmentor
from keras_mra.export.strip import strip_augmentation
