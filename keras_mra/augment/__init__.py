"""Re-imagined copies of a folder of images."""

from keras_mra.augment.folder import augment_folder
