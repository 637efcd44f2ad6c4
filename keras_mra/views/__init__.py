"""Random views of images: a weak one for the student, a strong one for the teacher."""

from keras_mra.views.random_apply import RandomApply
from keras_mra.views.random_blur import RandomBlur
from keras_mra.views.random_resized_crop import RandomResizedCrop
from keras_mra.views.recipes import strong
from keras_mra.views.recipes import weak
from keras_mra.views.view import View
