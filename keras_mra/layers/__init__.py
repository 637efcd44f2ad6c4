"""Keras layers: MaskReconstruct, and the layers of models and views."""

from keras_mra.layers.attentive_cut_mix import AttentiveCutMix
from keras_mra.layers.attentive_cutout import AttentiveCutout
from keras_mra.layers.mask_reconstruct import MaskReconstruct
from keras_mra.views.aug_mix import AugMix
from keras_mra.views.rand_augment import RandAugment
from keras_mra.views.random_apply import RandomApply
from keras_mra.views.random_blur import RandomBlur
from keras_mra.views.random_resized_crop import RandomResizedCrop
from keras_mra.views.trivial_augment import TrivialAugment
from keras_mra.vit.patch_embedding import PatchEmbedding
from keras_mra.vit.tokens import ClassToken
from keras_mra.vit.tokens import RestoreTokens
from keras_mra.vit.transformer_block import TransformerBlock

__all__ = [
    "AttentiveCutMix",
    "AttentiveCutout",
    "AugMix",
    "ClassToken",
    "MaskReconstruct",
    "PatchEmbedding",
    "RandAugment",
    "RandomApply",
    "RandomBlur",
    "RandomResizedCrop",
    "RestoreTokens",
    "TransformerBlock",
    "TrivialAugment",
]
