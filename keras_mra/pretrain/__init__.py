from keras_mra.pretrain.pretrain_mae import pretrain_mae
from keras_mra.pretrain.pretrain_msa import pretrain_msa

__all__ = [
    "pretrain_mae",
    "pretrain_msa",
]
