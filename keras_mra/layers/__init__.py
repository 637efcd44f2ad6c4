from keras_mra.layers.mask_reconstruct import MaskReconstruct
from keras_mra.layers.patch_embedding import PatchEmbedding
from keras_mra.layers.random_apply import RandomApply
from keras_mra.layers.random_blur import RandomBlur
from keras_mra.layers.random_resized_crop import RandomResizedCrop
from keras_mra.layers.tokens import ClassToken
from keras_mra.layers.tokens import RestoreTokens
from keras_mra.layers.transformer_block import TransformerBlock
