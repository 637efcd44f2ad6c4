from keras_mra.layers.patch_embedding import PatchEmbedding
from keras_mra.layers.tokens import ClassToken
from keras_mra.layers.tokens import RestoreTokens
from keras_mra.layers.transformer_block import TransformerBlock
