"""Random views of images for contrastive training, and the layers that make them."""

from keras_mra.views.random_apply import RandomApply
from keras_mra.views.random_blur import RandomBlur
from keras_mra.views.random_resized_crop import RandomResizedCrop
from keras_mra.views.recipes import strong
from keras_mra.views.recipes import weak
from keras_mra.views.view import View

__all__ = [
    "RandomApply",
    "RandomBlur",
    "RandomResizedCrop",
    "View",
    "strong",
    "weak",
]
